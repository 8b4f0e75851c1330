import { decodeAcks } from './ackMap.ts'
import type { AssignedPartition, RawMessage } from './broker.ts'

/** The acks that came with a commit, of messages that are fetched once more. */
export class KeptAcks {
  /** One past the last of them. */
  readonly end: number
  private readonly ranges: readonly number[]

  constructor(ranges: readonly number[]) {
    this.ranges = ranges
    this.end = ranges.at(-1) ?? 0
  }

  /** Those of the messages, which ascend, that are not acked. */
  unacked(messages: readonly RawMessage[]): readonly RawMessage[] {
    const { ranges } = this
    let at = 0
    return messages.filter((message) => {
      const offset = Number(message.offset)
      while (at < ranges.length && offset >= (ranges[at + 1] as number)) at += 2
      return at >= ranges.length || offset < (ranges[at] as number)
    })
  }

  /** Adds what it says of the offsets from `next` on to ranges that end before. */
  addTo(ranges: number[], next: number): void {
    for (let at = 0; at < this.ranges.length; at += 2) {
      const from = Math.max(next, this.ranges[at] as number)
      const to = this.ranges[at + 1] as number
      if (from >= to) continue
      if (ranges.at(-1) === from) ranges[ranges.length - 1] = to
      else ranges.push(from, to)
    }
  }
}

/**
 * Reads the acks that were committed with a partition's offset.
 *
 * @param ignored told why, when there is metadata that is not used
 */
export function keptAcks(
  { committed, position, metadata }: Pick<AssignedPartition, 'committed' | 'position' | 'metadata'>,
  ignored: (reason: string) => void,
): KeptAcks | undefined {
  if (metadata === undefined || metadata === '') return undefined
  const map = decodeAcks(metadata)
  if (map === undefined) {
    ignored('it was not written by this toolkit, or by a later version')
    return undefined
  }
  if (map.low !== committed || position !== committed) {
    ignored(`it belongs to offset ${map.low}, and something else has moved the group to ${position}`)
    return undefined
  }
  return map.ranges.length === 0 ? undefined : new KeptAcks(map.ranges)
}

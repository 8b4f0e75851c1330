import type { Position } from '../../lib/broker.ts'
import type { SourceEvent } from '../../lib/events.ts'
import type { NetworkListener, SentCommit } from './faultyNetwork.ts'

interface Entry {
  deliveries: number
  /** Whether its last delivery is acked. */
  acked: boolean
  /** Whether it may be delivered once more: its member said that it gave up what it had not committed… */
  excused: boolean
  /** …to another member only. */
  except: string | undefined
}

type Place = Omit<Position, 'topic'>

/** What became of every message of a topic, and every rule that was broken. */
export class Ledger implements NetworkListener {
  /** In words. */
  readonly violations: string[] = []
  /** Deliveries beyond the first. */
  repeats = 0
  private readonly entries = new Map<string, Entry>()
  private readonly committed = new Map<number, number>()
  private readonly fences: boolean

  /** @param fences whether a member may give up what it had */
  constructor(fences: boolean) {
    this.fences = fences
  }

  delivered(place: Place, member: string): void {
    const entry = this.entryOf(place)
    if (entry.deliveries++ > 0) {
      this.repeats++
      if (!entry.excused || entry.except === member)
        this.violations.push(`${textOf(place)} was delivered again without need, to ${member}`)
    }
    entry.acked = false
    entry.excused = false
  }

  acked(place: Place): void {
    this.entryOf(place).acked = true
  }

  /** What a member tells may excuse repeats: of all that is delivered and not committed. */
  told(event: SourceEvent, member: string): void {
    // The partitions that it gets back it goes on with.
    const except = event.type === 'revoked' ? member : undefined
    if (!givesUp(event)) return
    if (!this.fences && except === undefined)
      this.violations.push(`${member} gave up what was in flight without need: ${event.type}`)
    for (const [key, entry] of this.entries) {
      const { partition, offset } = placeOf(key)
      if (offset < this.committedOf(partition) || (entry.excused && entry.except === undefined)) continue
      entry.excused = true
      entry.except = except
    }
  }

  committing({ offsets }: SentCommit): void {
    for (const { partition, offset } of offsets) {
      for (let at = this.committedOf(partition); at < offset; at++) {
        if (this.entries.get(keyOf({ partition, offset: at }))?.acked) continue
        this.violations.push(`${textOf({ partition, offset: at })} is not acked, but ${offset} is committed`)
        break
      }
    }
  }

  taken({ offsets }: SentCommit): void {
    for (const { partition, offset } of offsets) {
      const before = this.committedOf(partition)
      if (offset < before) this.violations.push(`[${partition}] was committed at ${before}, and then at ${offset}`)
      else this.committed.set(partition, offset)
    }
  }

  committedOf(partition: number): number {
    return this.committed.get(partition) ?? 0
  }

  /** Messages delivered, with repeats. */
  get deliveries(): number {
    let sum = 0
    for (const { deliveries } of this.entries.values()) sum += deliveries
    return sum
  }

  /** Those of a partition's first messages that were never acked. */
  unacked(partition: number, end: number): readonly string[] {
    const places = Array.from({ length: end }, (_, offset) => ({ partition, offset }))
    return places.filter((place) => this.entries.get(keyOf(place))?.acked !== true).map(textOf)
  }

  private entryOf(place: Place): Entry {
    const key = keyOf(place)
    const entry = this.entries.get(key) ?? { deliveries: 0, acked: false, excused: false, except: undefined }
    this.entries.set(key, entry)
    return entry
  }
}

/** Whether a member says that what it has not committed will be delivered again. */
function givesUp(event: SourceEvent): boolean {
  switch (event.type) {
    case 'lost':
      return true
    case 'revoked':
      return event.unsettled > 0
    case 'closed':
      return event.unsettled > 0 || event.failure !== null
    case 'commitFailed':
      return event.error.kind === 'fenced' || event.error.kind === 'fatal'
    default:
      return false
  }
}

function keyOf({ partition, offset }: Place): string {
  return `${partition}@${offset}`
}

function placeOf(key: string): Place {
  const [partition, offset] = key.split('@').map(Number)
  return { partition: partition as number, offset: offset as number }
}

function textOf({ partition, offset }: Place): string {
  return `[${partition}]@${offset}`
}

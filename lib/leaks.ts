import type { RawMessage } from './broker.ts'
import type { Partition } from './partition.ts'

/** Messages of a partition that were still open some time after their delivery. */
interface Suspects {
  /** A copy of each, because the message itself is gone when nobody holds it. */
  readonly copies: Map<number, RawMessage>
  /** Slots before it were looked at. */
  seen: number
  /** Slots before it were delivered at the last look. */
  tail: number
}

interface Place {
  readonly partition: Partition<unknown>
  readonly slot: number
}

/** Whom it tells of a leak. */
export interface LeakHost {
  /** Nobody holds the message any more, and nobody has settled it; `copy` is what it was. */
  leaked(partition: Partition<unknown>, slot: number, copy: RawMessage): void
}

/**
 * Finds messages that nobody can settle any more, because nobody holds them: some operator has dropped them.
 *
 * All views and children of a message hold the client's own message object. Whether that is garbage a
 * `FinalizationRegistry` tells, at its leisure. Only messages that are open for longer than a look are registered, so
 * that one which settles sooner costs nothing.
 */
export class Leaks {
  private readonly host: LeakHost
  private readonly suspects = new WeakMap<Partition<unknown>, Suspects>()
  private readonly registry = new FinalizationRegistry<Place>((place) => this.collected(place))

  constructor(host: LeakHost) {
    this.host = host
  }

  /** Looks at what was open at the last look already; true when there is more to look at next time. */
  look(partition: Partition<unknown>): boolean {
    const { tracker } = partition
    const suspects = this.suspectsOf(partition)
    for (const slot of suspects.copies.keys()) if (!tracker.isPending(slot)) suspects.copies.delete(slot)
    for (let slot = Math.max(suspects.seen, tracker.head); slot < suspects.tail; slot++) {
      const raw = tracker.isPending(slot) ? partition.held.rawOf(slot) : undefined
      if (raw !== undefined) this.register({ partition, slot }, raw)
    }
    suspects.seen = suspects.tail
    suspects.tail = tracker.delivered
    partition.feed.forget(suspects.seen)
    return suspects.seen < suspects.tail && tracker.pending > 0
  }

  /** What is kept of a message, or the message. */
  rawOf(partition: Partition<unknown>, slot: number): RawMessage | undefined {
    return this.suspectsOf(partition).copies.get(slot) ?? partition.held.rawOf(slot)
  }

  private register({ partition, slot }: Place, raw: RawMessage): void {
    this.suspectsOf(partition).copies.set(slot, copyOf(raw))
    this.registry.register(raw, { partition, slot })
  }

  private collected({ partition, slot }: Place): void {
    if (!partition.tracker.isOpen(slot)) return
    const copy = this.suspectsOf(partition).copies.get(slot)
    if (copy === undefined) return
    this.host.leaked(partition, slot, copy)
    // Where it was only told, that is all. Else it may be delivered once more, and dropped once more.
    if (!partition.tracker.isOpen(slot) && partition.tracker.isPending(slot)) this.register({ partition, slot }, copy)
  }

  private suspectsOf(partition: Partition<unknown>): Suspects {
    const found = this.suspects.get(partition)
    if (found !== undefined) return found
    const fresh: Suspects = { copies: new Map(), seen: 0, tail: 0 }
    this.suspects.set(partition, fresh)
    return fresh
  }
}

function copyOf({ offset, timestamp, key, value, headers }: RawMessage): RawMessage {
  return headers === undefined ? { offset, timestamp, key, value } : { offset, timestamp, key, value, headers }
}

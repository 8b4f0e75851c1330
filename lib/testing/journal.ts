import type { OutgoingMessage, Position } from '../broker.ts'
import type { SourceHealth } from '../events.ts'

/** One thing that happened in a test, at an instant of virtual time. Places are messages, or offsets next to read. */
export type Entry = { readonly at: number; readonly groupId: string } & (
  | { readonly kind: 'delivered' | 'acked' | 'late'; readonly place: Position }
  | { readonly kind: 'nacked'; readonly place: Position; readonly error: unknown }
  | { readonly kind: 'committable' | 'committed'; readonly place: Position }
  | { readonly kind: 'paused' | 'resumed'; readonly place: Position }
  | { readonly kind: 'state'; readonly state: SourceHealth['state'] }
  | { readonly kind: 'sent'; readonly message: OutgoingMessage }
)

/** Of what kind an entry is. */
export type EntryKind = Entry['kind']

/** An entry of one of some kinds. */
export type EntryOf<K extends EntryKind> = Entry & { readonly kind: K }

/** An entry before its time is noted. */
type Untimed<E> = E extends Entry ? Omit<E, 'at'> : never

/** All that happened, in order. */
export class Journal {
  readonly entries: Entry[] = []
  /** Whether the test is over: what its end brings about is nobody's expectation. */
  isClosed = false
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  add(entry: Untimed<Entry>): void {
    if (!this.isClosed) this.entries.push({ ...entry, at: this.now() } as Entry)
  }

  /** The entries of some kinds, in order; of one group when there is a `groupId`. */
  of<K extends EntryKind>(kinds: readonly K[], groupId?: string): readonly EntryOf<K>[] {
    return this.entries.filter(
      (entry): entry is EntryOf<K> =>
        kinds.includes(entry.kind as K) && (groupId === undefined || entry.groupId === groupId),
    )
  }
}

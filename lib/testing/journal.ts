import type { Position } from '../broker.ts'

/** One thing that happened in a test, at an instant of virtual time. Places are messages, or offsets next to read. */
export type Entry = { readonly at: number; readonly groupId: string } & (
  | { readonly kind: 'delivered'; readonly place: Position; readonly attempt: number }
  | { readonly kind: 'acked'; readonly place: Position }
  | { readonly kind: 'nacked'; readonly place: Position; readonly error: unknown }
  | { readonly kind: 'late'; readonly place: Position; readonly verdict: string }
  | { readonly kind: 'committable' | 'committed'; readonly place: Position }
)

/** Of what kind an entry is. */
export type EntryKind = Entry['kind']

/** An entry of one kind. */
export type EntryOf<K extends EntryKind> = Extract<Entry, { readonly kind: K }>

/** All that happened, in order. */
export class Journal {
  readonly entries: Entry[] = []
  /** Whether the test is over: what its end brings about is nobody's expectation. */
  isClosed = false
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  add(entry: EntryOf<EntryKind> extends infer E ? (E extends Entry ? Omit<E, 'at'> : never) : never): void {
    if (!this.isClosed) this.entries.push({ ...entry, at: this.now() } as Entry)
  }

  of<K extends EntryKind>(kind: K): readonly EntryOf<K>[] {
    return this.entries.filter((entry): entry is EntryOf<K> => entry.kind === kind)
  }
}

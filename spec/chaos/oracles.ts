import type { Books, Handling, PartitionBook } from './books.ts'
import type { Commit } from './commitLog.ts'
import type { Judged, Outages } from './outages.ts'

/** What the oracles look at, when a run is over. */
export interface Evidence {
  readonly books: Books
  readonly outages: Outages
  readonly members: readonly Judged[]
  /** In the order in which the broker took them. */
  readonly commits: readonly Commit[]
  /** Whether a message that nobody has done is gone from its log in order: compacted away. */
  isGone(topic: string, partition: number, offset: number): boolean
}

/** What the oracles found. */
export interface Verdict {
  readonly messages: number
  /** Not done, and committed past: nobody will ever see them. */
  readonly lost: readonly string[]
  /** Deleted on purpose before anybody had done them. */
  readonly deleted: number
  /** Not done, and still to be read. */
  readonly unread: readonly string[]
  /** Done more than once. */
  readonly duplicated: number
  /** How many could have been, by what was in flight and uncommitted at each fault. */
  readonly bound: number
  /** Repeated though no fault was near: after a clean rebalance, a SIGTERM, or more than a commit's worth. */
  readonly needless: readonly string[]
  /** Delivered though their transaction was aborted. */
  readonly aborted: readonly string[]
  readonly disorders: readonly string[]
  readonly backwards: readonly string[]
  /** Commits of what nobody had done. */
  readonly above: readonly string[]
}

export function verdictOf(evidence: Evidence): Verdict {
  const { books, members } = evidence
  const all = [...books]
  const undone = all.flatMap((book) => undoneOf(book, evidence))
  const repeats = repeatsOf(evidence)
  return {
    messages: books.messages,
    lost: undone.filter(({ isPast }) => isPast).map(({ place }) => place),
    deleted: all.reduce((sum, book) => sum + deletedOf(book), 0),
    unread: undone.filter(({ isPast }) => !isPast).map(({ place }) => place),
    ...repeats,
    aborted: all.flatMap(abortedOf),
    disorders: members.flatMap(({ ledger }) => ledger.disorders),
    ...commitFaults(evidence),
  }
}

function undoneOf(book: PartitionBook, { commits, isGone }: Evidence) {
  const { topic, partition, produced } = book
  const last = commits.findLast((commit) => commit.topic === topic && commit.partition === partition)
  return [...produced.keys()]
    .filter((offset) => !book.isDone(offset) && offset >= book.deletedBelow && !isGone(topic, partition, offset))
    .map((offset) => ({ place: `${book.place}@${offset}`, isPast: offset < (last?.offset ?? 0) }))
}

function deletedOf(book: PartitionBook): number {
  return [...book.produced.keys()].filter((offset) => offset < book.deletedBelow && !book.isDone(offset)).length
}

function repeatsOf({ books, outages, members }: Evidence) {
  const judges = new Map(members.map((member) => [member.name, outages.judge(member)]))
  const isAllowed = (handling: Handling) => judges.get(handling.member)?.(handling) ?? false
  let duplicated = 0
  let bound = 0
  const needless: string[] = []
  for (const { place, handled } of books) {
    for (const [offset, handlings] of handled) {
      const done = handlings.filter(({ endedAt }) => endedAt !== undefined)
      // Of the work done, one piece is the message's due; each other has to be allowed by an outage of its own.
      const clean = done.filter((handling) => !isAllowed(handling))
      duplicated += Math.max(0, done.length - 1)
      bound += done.length - clean.length
      if (clean.length > 1) needless.push(`${place}@${offset} done by ${clean.map(textOf).join(' and ')}`)
    }
  }
  return { duplicated, bound, needless }
}

function textOf({ member, startedAt, endedAt }: Handling): string {
  return `${member} (${startedAt}-${endedAt})`
}

function abortedOf({ place, aborted, handled }: PartitionBook): string[] {
  return [...aborted].filter((offset) => handled.has(offset)).map((offset) => `${place}@${offset}`)
}

function commitFaults({ books, commits, isGone }: Evidence) {
  const reached = new Map<PartitionBook, number>()
  const backwards: string[] = []
  const above: string[] = []
  for (const commit of commits) {
    const { topic, partition, offset, at } = commit
    const book = books.of(topic, partition)
    const before = reached.get(book) ?? 0
    if (offset < before) backwards.push(`${book.place} from ${before} to ${offset} at ${at}`)
    reached.set(book, Math.max(before, offset))
    for (let one = before; one < offset; one++) {
      if (isUndoneAt(book, one, at) && !isGone(topic, partition, one))
        above.push(`${book.place}@${one} was not done when ${offset} was committed at ${at}`)
    }
  }
  return { backwards, above }
}

function isUndoneAt(book: PartitionBook, offset: number, at: number): boolean {
  if (!book.produced.has(offset) || offset < book.deletedBelow) return false
  return (book.firstEnd(offset) ?? Number.POSITIVE_INFINITY) > at + SAME_TIME
}

/** Two processes read the clock of one machine: it is the same, to the ms. */
const SAME_TIME = 1

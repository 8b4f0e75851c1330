import type { Handling } from './books.ts'
import type { Ledger } from './ledger.ts'
import { LONGEST_WORK } from './members/work.ts'

/** A time in which a member could not commit through no fault of its own, so that its work may be repeated. */
export interface Outage {
  /** Whose; undefined for everybody's. */
  readonly slot: number | undefined
  /** A frozen or killed process does nothing meanwhile; one that is cut off goes on with what it has. */
  readonly kind: 'kill' | 'freeze' | 'network' | 'broker'
  /** ms since 1970 */
  readonly from: number
  /** ms since 1970; undefined while it lasts */
  to: number | undefined
}

/** From an ack to its confirmed commit, in ms: the interval, what may hold the low watermark back, and a busy machine. */
const COMMIT_WORTH = 1000 + LONGEST_WORK + 700
/**
 * For so long, in ms, a frozen process goes on with what it had in hand, unless it hears before that its partitions are
 * lost: the rest of what it was in the midst of delivering, and what waited in its pipe. It must not deliver more.
 */
const IN_HAND = 100
/** What it hears later than this after its thaw is of something else, in ms. */
const HEARS = 3000
/** A commit confirmed so long after an outage was not on its way before it, in ms. */
const SURELY_AFTER = 1000

/**
 * Says of each piece of work whether an outage allows that it is repeated: it was in flight when its process was killed
 * or frozen, or done within a commit's worth before, or done while nothing could be committed.
 */
export class Outages {
  readonly all: Outage[] = []

  begin(kind: Outage['kind'], slot: number | undefined): Outage {
    const outage: Outage = { kind, slot, from: Date.now(), to: undefined }
    this.all.push(outage)
    return outage
  }

  end(outage: Outage): void {
    outage.to = Date.now()
  }

  /** Whether one of them lasts, or has ended less than `ms` ago. */
  isRecent(ms: number, slot?: number): boolean {
    return this.all.some(
      ({ to = Date.now(), slot: hit }) =>
        to >= Date.now() - ms && (slot === undefined || hit === undefined || hit === slot),
    )
  }

  /** Makes the judge of one process's work. */
  judge({ slot, ledger }: Judged): (handling: Handling) => boolean {
    const windows = this.all
      .filter((outage) => outage.slot === undefined || outage.slot === slot)
      .map(({ kind, from, to = Number.POSITIVE_INFINITY }) => {
        const commit = ledger.told.find(({ type, at }) => type === 'committed' && at > to + SURELY_AFTER)
        const committedAt = commit?.at ?? Number.POSITIVE_INFINITY
        const lost = ledger.told.find(({ type, at }) => type === 'lost' && at >= from && at < to + HEARS)
        const inHand = Math.max(to + IN_HAND, lost?.at ?? 0)
        const startedBefore = { kill: from, freeze: inHand, network: committedAt, broker: committedAt }[kind]
        return { startedBefore, endedAfter: from - COMMIT_WORTH }
      })
    return ({ startedAt, endedAt = Number.POSITIVE_INFINITY }) =>
      windows.some(({ startedBefore, endedAfter }) => startedAt <= startedBefore && endedAt >= endedAfter)
  }
}

/** A process, as far as it is judged. */
export interface Judged {
  readonly name: string
  readonly slot: number
  readonly ledger: Pick<Ledger, 'told' | 'disorders'>
}

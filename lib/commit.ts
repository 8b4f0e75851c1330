import type { Barrier } from './barrier.ts'
import type { Consumer, Position } from './broker.ts'
import type { Clock, Timer } from './clock.ts'
import type { CommitError } from './errors.ts'
import type { Partition } from './partition.ts'

/** Commits made while idle are at least this far apart, in ms. */
const IDLE_GAP = 200
/** A flush tries so often, in ms, and for so long, when the broker can't take it now: who waits has to go on. */
const TRY_AGAIN = 200
const PATIENCE = 5000

/** What a committer works for. */
export interface CommitHost {
  readonly clock: Clock
  /** ms from the first ack to the commit */
  readonly commitInterval: number
  /** Whether acks are kept in the metadata of commits; false from the moment the broker refuses that. */
  readonly keepAcks: boolean
  readonly assignment: Iterable<Partition<unknown>>
  /** The broker has confirmed these. */
  committed(offsets: readonly Position[]): void
  commitFailed(error: CommitError): void
}

/** What sees that offsets are committed. */
export interface Committing {
  /** Something is committable. */
  touch(): void
  /** Looks whether something is committable. */
  touchIfDue(): void
  /** Nothing is in flight. */
  idle(): void
  /** Commits what is due, then calls `done`; also when the broker refuses: the next owner will repeat it. */
  flush(done: () => void): void
  /** Commits nothing until {@link resume}. */
  suspend(): void
  resume(): void
  /** The membership is gone. */
  forget(): void
  /** What cuts a partition into transactions, where it commits in these. */
  barrierOf?(partition: Partition<unknown>): Barrier
}

/**
 * Brings the low watermarks to the broker: one commit at a time, an interval after the first ack, sooner when nothing
 * is in flight, at once before a revoke and at the end.
 *
 * A partition is due while its low watermark differs from what the broker confirmed. Two numbers, never a flag: an ack
 * that comes while a commit is under way can't be lost.
 */
export class Committer implements Committing {
  private readonly host: CommitHost
  private readonly consumer: Consumer
  private timer: Timer | undefined
  private timerAt = 0
  private underWay = false
  /** Whether the commit under way is of a membership that is gone: what it says is not of the present one. */
  private isStale = false
  private suspended = false
  private lastAt = Number.NEGATIVE_INFINITY
  private flushed: (() => void)[] = []
  /** When the patience of a flush is at its end. */
  private flushUntil = 0

  constructor(host: CommitHost, consumer: Consumer) {
    this.host = host
    this.consumer = consumer
  }

  /** Something is committable: see that it is committed after the interval. */
  touch(): void {
    if (this.timer === undefined) this.arm(this.host.commitInterval)
  }

  /** Looks whether something is committable. */
  touchIfDue(): void {
    if (this.timer === undefined && this.isDue()) this.touch()
  }

  /** Nothing is in flight: commit now, or as soon as the last commit is far enough away. */
  idle(): void {
    if (this.underWay || this.suspended || !this.isDue()) return
    const wait = this.lastAt + IDLE_GAP - this.host.clock.now()
    if (wait > 0) this.arm(wait)
    else this.commit()
  }

  /**
   * Commits what is due, then calls `done`; also when the broker refuses, or still can't take it after
   * {@link PATIENCE}: the next owner will repeat it.
   */
  flush(done: () => void): void {
    if (this.suspended) return done()
    if (this.flushed.length === 0) this.flushUntil = this.host.clock.now() + PATIENCE
    this.flushed.push(done)
    if (!this.underWay) this.commit()
  }

  /** Commits nothing until {@link resume}: between a join and its news a commit would carry the wrong generation. */
  suspend(): void {
    this.suspended = true
    this.cancel()
  }

  resume(): void {
    this.suspended = false
    this.touchIfDue()
  }

  /** The membership is gone: the answer of a commit under way says nothing of the next one. */
  forget(): void {
    this.isStale = this.underWay
  }

  private commit(): void {
    this.cancel()
    const due = [...this.host.assignment].filter((partition) => partition.commits.isDirty)
    if (due.length === 0) return this.end()
    const offsets = due.map((partition) => partition.commits.toCommit())
    this.underWay = true
    this.isStale = false
    this.lastAt = this.host.clock.now()
    this.consumer.commit(offsets, (error) => {
      if (error === null) this.confirm(offsets)
      else this.fail(error)
    })
  }

  // Whoever hears of a commit may ask for the next, so the host is told while this one still counts as under way.

  private confirm(offsets: readonly Position[]): void {
    if (!this.isStale) this.host.committed(offsets)
    this.underWay = false
    // Acks came meanwhile. Whoever waits for a flush waits for them too.
    if (this.flushed.length > 0) this.commit()
    else this.touchIfDue()
  }

  private fail(error: CommitError): void {
    const isTooMuch = error.kind === 'metadata' && this.host.keepAcks
    this.host.commitFailed(error)
    this.underWay = false
    // The offsets go on without the acks above them.
    if (isTooMuch) return this.commit()
    // It says nothing of what the flush is for.
    if (this.isStale && this.flushed.length > 0) return this.commit()
    if (this.isFlushedAgain(error)) return this.arm(TRY_AGAIN)
    this.end()
    // Also when fenced: by now another assignment may have acks.
    if (error.kind !== 'fatal') this.touchIfDue()
  }

  /** What is not committed now will be repeated, though the broker would take it a moment later. */
  private isFlushedAgain({ kind }: CommitError): boolean {
    const mayPass = kind !== 'fenced' && kind !== 'fatal'
    return mayPass && this.flushed.length > 0 && this.host.clock.now() + TRY_AGAIN <= this.flushUntil
  }

  private end(): void {
    const waiting = this.flushed
    this.flushed = []
    for (const done of waiting) done()
  }

  private isDue(): boolean {
    for (const partition of this.host.assignment) if (partition.commits.isDirty) return true
    return false
  }

  private arm(ms: number): void {
    if (this.underWay || this.suspended) return
    const at = this.host.clock.now() + ms
    if (this.timer !== undefined && this.timerAt <= at) return
    this.cancel()
    this.timerAt = at
    this.timer = this.host.clock.schedule(() => this.commit(), ms)
  }

  private cancel(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
  }
}

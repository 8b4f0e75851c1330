import type { Clock } from '../clock.ts'

/**
 * Until when the broker is sure to count a member in: a session from the moment when the last heartbeat that it answered
 * was *sent*. The answer's own moment says nothing: it may have waited in the socket of a process that was stopped.
 */
export class Certainty {
  private readonly clock: Clock
  private readonly session: number
  private readonly onRegained: () => void
  private until = Number.NEGATIVE_INFINITY
  private isDoubted = false

  /** @param session in ms; `onRegained` hears of the first answer after somebody has seen the doubt */
  constructor(clock: Clock, session: number, onRegained: () => void) {
    this.clock = clock
    this.session = session
    this.onRegained = onRegained
  }

  get isCertain(): boolean {
    const isCertain = this.clock.now() < this.until
    if (!isCertain) this.isDoubted = true
    return isCertain
  }

  /** The member has joined. */
  begin(): void {
    this.until = this.clock.now() + this.session
    this.isDoubted = false
  }

  /** The broker has answered what was sent at a moment. */
  confirm(sentAt: number): void {
    this.until = sentAt + this.session
    if (!this.isDoubted || !this.isCertain) return
    this.isDoubted = false
    this.onRegained()
  }
}

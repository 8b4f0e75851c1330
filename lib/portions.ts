/** The entries of one request: those that are tried now, and those that come after them, so many at a time. */
export class Portions<E> {
  now: readonly E[]
  later: E[] = []
  private size = Number.POSITIVE_INFINITY

  constructor(entries: readonly E[]) {
    this.now = entries
  }

  get all(): E[] {
    return [...this.now, ...this.later]
  }

  /** Whether they are tried one by one. */
  get areSingle(): boolean {
    return this.size === 1
  }

  /** Takes the next of those that come later; false while some are tried, or when none is left. */
  advance(): boolean {
    if (this.now.length > 0 || this.later.length === 0) return false
    this.now = this.later.splice(0, this.size)
    return true
  }

  /**
   * A request that takes too long or too much is so again as long as it is as large. Each failure leaves half of it,
   * down to one, so that it comes to an end. It does not grow again: the next is a new one, of full size.
   */
  halve(): void {
    this.part(Math.ceil(this.now.length / 2))
    this.advance()
  }

  /** Has all of them tried anew, `size` at a time. */
  part(size: number): void {
    this.later = this.all
    this.now = []
    this.size = size
  }

  /** Lets go of those that are tried now. */
  takeNow(): readonly E[] {
    const { now } = this
    this.now = []
    return now
  }

  /** Lets go of those of them that `isGone`; most often there is none. */
  takeIf(isGone: (entry: E) => boolean): readonly E[] {
    if (!this.now.some(isGone)) return []
    const gone = this.now.filter(isGone)
    this.now = this.now.filter((entry) => !isGone(entry))
    return gone
  }

  takeAll(): readonly E[] {
    const { all } = this
    this.now = []
    this.later = []
    return all
  }
}

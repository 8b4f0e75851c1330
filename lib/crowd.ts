/**
 * What is under way, a few at a time, in the order in which it began.
 *
 * Not a `Set`: V8 makes a table anew that is added to and deleted from all the time, and each old one holds the next. One
 * that has grown old so keeps all that was ever in those after it, and what is under way outlives the young generation.
 */
export class Crowd<T> {
  private readonly items: T[] = []

  get size(): number {
    return this.items.length
  }

  /** Those there are now, whatever is added or deleted meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return [...this.items].values()
  }

  add(item: T): void {
    this.items.push(item)
  }

  delete(item: T): void {
    const at = this.items.indexOf(item)
    if (at >= 0) this.items.splice(at, 1)
  }
}

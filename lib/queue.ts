/** First in, first out, in amortised O(1): `Array.shift` costs as much as the array is long. */
export class Queue<T> {
  private items: (T | undefined)[] = []
  private head = 0

  get length(): number {
    return this.items.length - this.head
  }

  /** The one that is next. */
  get first(): T | undefined {
    return this.items[this.head]
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.head; i < this.items.length; i++) yield this.items[i] as T
  }

  push(item: T): void {
    this.items.push(item)
  }

  clear(): void {
    this.items = []
    this.head = 0
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined
    const item = this.items[this.head]
    // What has gone must not be kept: it would outlive the young generation, which costs as much as making it.
    this.items[this.head++] = undefined
    if (this.head > 1023 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }
}

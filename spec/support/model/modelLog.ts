/** A partition's log, and what the group has committed of it. */
export class ModelLog {
  /** The offsets that have a message. */
  offsets: number[] = []
  /** Those whose message can't be decoded. */
  readonly bad = new Set<number>()
  start = 0
  end = 0
  committed: number | null = null
  /** Where the member reads. */
  position = 0
  isPaused = false

  /** Appends messages, each after a gap, and leaves a gap at the end, as control records do. */
  append(count: number, gap: number, tail: number, isBad: boolean): void {
    for (let i = 0; i < count; i++) {
      this.end += gap
      this.offsets.push(this.end)
      if (isBad && i === 0) this.bad.add(this.end)
      this.end++
    }
    this.end += tail
  }

  /** Deletes messages, as retention does. */
  trim(before: number): void {
    this.offsets = this.offsets.filter((offset) => offset >= before)
    this.start = Math.max(this.start, before)
  }

  /** The next messages from a place on, and where they end. */
  read(from: number, max: number): { offsets: number[]; nextOffset: number } {
    const ahead = this.offsets.filter((offset) => offset >= from)
    return { offsets: ahead.slice(0, max), nextOffset: ahead[max] ?? this.end }
  }
}

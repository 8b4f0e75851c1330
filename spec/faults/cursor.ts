/** A place in a message of the protocol, which moves on with each field that is read. */
export class Cursor {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  skip(length: number): void {
    this.at += length
  }

  int16(): number {
    this.at += 2
    return this.bytes.readInt16BE(this.at - 2)
  }

  int32(): number {
    this.at += 4
    return this.bytes.readInt32BE(this.at - 4)
  }

  int64(): number {
    this.at += 8
    return Number(this.bytes.readBigInt64BE(this.at - 8))
  }

  /** A string; empty where it is null. */
  text(): string {
    const length = Math.max(0, this.int16())
    this.at += length
    return this.bytes.toString('utf8', this.at - length, this.at)
  }

  /** Skips bytes that have their length before them. */
  skipBytes(): void {
    this.skip(Math.max(0, this.int32()))
  }

  /** Reads the items of an array, which may be null. */
  array<T>(item: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, item)
  }
}

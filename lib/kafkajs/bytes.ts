// Kafka's words on the wire, as far as assigners use them. Reading throws a RangeError where the bytes end too soon.

export function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(items.length), ...items])
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Reads bytes from their beginning on. */
export class BytesReader {
  private readonly bytes: Buffer
  private place = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.place >= this.bytes.length
  }

  int16(): number {
    return this.bytes.readInt16BE(this.move(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.move(4))
  }

  text(): string {
    return this.slice(this.int16()).toString()
  }

  /** Bytes with their length before them; negative is Kafka's word for none. */
  sized(): Buffer {
    return this.slice(Math.max(0, this.int32()))
  }

  array<T>(item: () => T): T[] {
    const items: T[] = []
    for (let left = this.int32(); left > 0; left--) items.push(item())
    return items
  }

  private slice(length: number): Buffer {
    const from = this.move(length)
    if (length < 0 || this.place > this.bytes.length) throw new RangeError('The bytes end too soon')
    return this.bytes.subarray(from, this.place)
  }

  private move(length: number): number {
    const from = this.place
    this.place += length
    return from
  }
}

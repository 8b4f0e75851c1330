import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** What of a partition is acked above its low watermark, as it is kept in the metadata of a commit. */
export interface AckMap {
  /** The offset that it was committed with; with another one it says nothing. */
  readonly low: number
  /** Ranges of offsets that are acked or hold no message: from, to (exclusive), from, to …, ascending and apart. */
  readonly ranges: readonly number[]
}

/** Characters of metadata that a broker takes, `offset.metadata.max.bytes` by default. */
const MAX_LENGTH = 4096
/** Says whose this is, and its version; a letter for the form and base64url follow. */
const MAGIC = 'acks1:'
/** The longest span in bits that could fit as a bitset. */
const MAX_BITS = MAX_LENGTH * 6
/** Nothing that fits inflates to more, unless it was made to. */
const MAX_INFLATED = 1 << 20

/**
 * Writes the acks above a low watermark as text of at most 4096 characters: the smallest of alternate run lengths, the
 * same deflated, and a bitset. The work is in proportion to the ranges, not to the offsets that they span.
 *
 * @returns '' when there are none, and when they don't fit: a commit may go without them, but never wait for them
 */
export function encodeAcks({ low, ranges }: AckMap): string {
  if (ranges.length === 0) return ''
  const head = varint(low)
  const runs = Buffer.from([...head, ...runsOf(low, ranges)])
  const forms = [`r${runs.toString('base64url')}`, `d${deflateRawSync(runs).toString('base64url')}`]
  const span = (ranges.at(-1) as number) - low
  if (span <= MAX_BITS)
    forms.push(`b${Buffer.concat([Buffer.from(head), bitsOf(low, span, ranges)]).toString('base64url')}`)
  const [shortest = ''] = forms.sort((a, b) => a.length - b.length)
  return MAGIC.length + shortest.length > MAX_LENGTH ? '' : MAGIC + shortest
}

/** Reads what {@link encodeAcks} wrote; undefined for anything else. */
export function decodeAcks(metadata: string): AckMap | undefined {
  if (!metadata.startsWith(MAGIC)) return undefined
  const form = metadata[MAGIC.length]
  try {
    const bytes = Buffer.from(metadata.slice(MAGIC.length + 1), 'base64url')
    if (form === 'r') return readRuns(bytes)
    if (form === 'd') return readRuns(inflateRawSync(bytes, { maxOutputLength: MAX_INFLATED }))
    return form === 'b' ? readBits(bytes) : undefined
  } catch {
    return undefined
  }
}

function runsOf(low: number, ranges: readonly number[]): number[] {
  const runs: number[] = []
  let at = low
  for (const edge of ranges) {
    runs.push(...varint(edge - at))
    at = edge
  }
  return runs
}

/** A bit for each offset from `low` on, set where it is acked. */
function bitsOf(low: number, span: number, ranges: readonly number[]): Buffer {
  const bits = Buffer.alloc(Math.ceil(span / 8))
  for (let i = 0; i < ranges.length; i += 2) {
    const to = (ranges[i + 1] as number) - low
    for (let at = (ranges[i] as number) - low; at < to; at++)
      bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7))
  }
  return bits
}

function readRuns(bytes: Buffer): AckMap | undefined {
  const reader = new VarintReader(bytes)
  const low = reader.next()
  const ranges: number[] = []
  let at = low
  while (!reader.isAtEnd) {
    const run = reader.next()
    // Only the first may be empty: what lies right at the low watermark may be acked by the time it is read again.
    if (run === 0 && ranges.length > 0) return undefined
    at += run
    ranges.push(at)
  }
  return ranges.length % 2 === 0 && Number.isSafeInteger(at) ? { low, ranges } : undefined
}

function readBits(bytes: Buffer): AckMap | undefined {
  const reader = new VarintReader(bytes)
  const low = reader.next()
  const bits = reader.rest
  const ranges: number[] = []
  let wasSet = false
  for (let at = 0; at <= bits.length * 8; at++) {
    const isSet = at < bits.length * 8 && ((bits[at >> 3] as number) & (1 << (at & 7))) !== 0
    if (isSet !== wasSet) ranges.push(low + at)
    wasSet = isSet
  }
  return { low, ranges }
}

/** Seven bits a byte, the lowest first; division, as offsets are longer than 32 bits. */
function varint(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  bytes.push(left)
  return bytes
}

class VarintReader {
  private readonly bytes: Buffer
  private place = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.place >= this.bytes.length
  }

  get rest(): Buffer {
    return this.bytes.subarray(this.place)
  }

  next(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = this.bytes[this.place++]
      if (byte === undefined || unit > Number.MAX_SAFE_INTEGER) throw new RangeError('The bytes end too soon')
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }
}

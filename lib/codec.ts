import { DecodeError } from './errors.ts'

/** How values become bytes and bytes values. Both directions are synchronous; a `decode` that can't do it throws. */
export interface Codec<A> {
  /** Makes a value of a message's bytes; null is a tombstone. */
  readonly decode: (bytes: Uint8Array | null) => A
  /** Makes bytes or text of a value; null is a tombstone. */
  readonly encode: (value: A) => Uint8Array | string | null
}

/** JSON, unchecked: the type is what the caller says it is. */
export function json<A = unknown>(): Codec<A> {
  return {
    decode: (bytes) => parseJson(bytes) as A,
    encode: (value) => toJson(value),
  }
}

/** UTF-8 text. */
export const text: Codec<string> = {
  decode: (bytes) => present(bytes).toString(),
  encode: (value) => value,
}

/** The bytes as they are: a copy, because a view would keep the whole fetched response in memory. */
export const bytes: Codec<Uint8Array> = {
  decode: (value) => Uint8Array.from(present(value)),
  encode: (value) => value,
}

/** Lets a topic have tombstones: a message without a value is `null`. Every other codec refuses it. */
export function tombstones<A>(codec: Codec<A>): Codec<A | null> {
  return {
    decode: (value) => (value === null ? null : codec.decode(value)),
    encode: (value) => (value === null ? null : codec.encode(value)),
  }
}

/** Parses a message's value as JSON, or says what came instead. */
export function parseJson(value: Uint8Array | null): unknown {
  const source = present(value).toString()
  try {
    return JSON.parse(source)
  } catch (cause) {
    throw new DecodeError(`Expected JSON, got ${excerpt(source)}`, { cause })
  }
}

/** Writes JSON; what has no JSON (`undefined`, a function) is an error rather than the text "undefined". */
export function toJson(value: unknown): string {
  const written = JSON.stringify(value)
  if (written === undefined) throw new DecodeError(`Expected a value that JSON can hold, got ${String(value)}`)
  return written
}

/** A short, printable piece of what came, for error messages. */
export function excerpt(value: unknown): string {
  const written = safeJson(value) ?? safeText(value)
  return written.length > 80 ? `${written.slice(0, 77)}...` : written
}

function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** The text of anything: an object may have none, without a prototype or when its `toString` throws. */
export function safeText(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function present(value: Uint8Array | null): Buffer {
  if (value === null)
    throw new DecodeError('Expected a value, got null (a tombstone); use tombstones(codec) for a topic that has them')
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

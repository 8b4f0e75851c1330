import type { Codec } from './codec.ts'
import { type IoTsType, ioTs, isIoTsType } from './ioTs.ts'
import { isStandardSchema, type StandardSchema, standardSchema } from './standardSchema.ts'

/** A topic that values of type `A` can be read from. */
export interface ReadableTopic<out A> {
  /** The topic's name, or a pattern that matches the names of several. */
  readonly name: string | RegExp
  /** Makes a value of a message's bytes, null for a tombstone; throws when it can't, which nacks the message. */
  readonly decode: (bytes: Uint8Array | null) => A
}

/** A topic that values of type `A` can be sent to. */
export interface WritableTopic<in A> {
  /** The topic's name; nothing can be sent to a pattern. */
  readonly name: string | RegExp
  /** Makes bytes or text of a value, null for a tombstone; throws when it can't, which nacks the message. */
  // A property, not a method: methods are compared loosely, and `sendTo` must refuse a value the codec can't encode.
  readonly encode: (value: A) => Uint8Array | string | null
}

/** The description of a topic: its name and how its values are written. Opens no connection. */
export interface Topic<in out A> extends ReadableTopic<A>, WritableTopic<A> {}

/**
 * Describes a topic.
 *
 * ```ts
 * const orders = topic('orders', t.type({ id: t.string, quantity: t.number }))
 * const events = topic(/^events-/, json<Event>())
 * ```
 *
 * @param name the topic's name, or a pattern; a pattern can be read from, not sent to
 * @param codec an io-ts type, a Standard Schema (zod, valibot, …), or a {@link Codec}: `json`, `text`, `bytes`,
 *   `tombstones(codec)`
 * @throws TypeError when `codec` is none of these
 */
// An io-ts type has a `decode` too, of another kind; what tells it apart is its `is`.
export function topic<A>(name: string | RegExp, codec: Codec<A> & { readonly is?: never }): Topic<A>
export function topic<A, O>(name: string | RegExp, codec: IoTsType<A, O>): Topic<A>
export function topic<I, A>(name: string | RegExp, codec: StandardSchema<I, A>): Topic<A>
export function topic(name: string | RegExp, codec: unknown): Topic<unknown> {
  const { decode, encode } = codecOf(name, codec)
  return { name, decode, encode }
}

function codecOf(name: string | RegExp, codec: unknown): Codec<unknown> {
  if (typeof codec === 'object' || typeof codec === 'function') {
    if (codec !== null && isStandardSchema(codec)) return standardSchema(codec)
    if (codec !== null && isIoTsType(codec)) return ioTs(codec)
    if (codec !== null && 'decode' in codec && 'encode' in codec) return codec as Codec<unknown>
  }
  throw new TypeError(
    `Expected a codec for topic ${name} (an io-ts type, a Standard Schema, or json(), text, bytes), got ${nameOf(codec)}`,
  )
}

/** A function's text would be its whole source; mostly it is `json` that was not called. */
function nameOf(codec: unknown): string {
  return typeof codec === 'function' ? `the function ${codec.name}` : String(codec)
}

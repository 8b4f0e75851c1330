import { type Codec, excerpt, parseJson, toJson } from './codec.ts'
import { DecodeError } from './errors.ts'

/** What the toolkit needs of an io-ts type; every `t.Type<A, O>` is one. Matched by shape: io-ts is never imported. */
export interface IoTsType<A, O = unknown> {
  readonly _A: A
  readonly _O: O
  readonly name: string
  encode(value: A): O
  /** io-ts gives an fp-ts `Either`. */
  decode(
    input: unknown,
  ): { readonly _tag: 'Left'; readonly left: IoTsErrors } | { readonly _tag: 'Right'; readonly right: A }
}

type IoTsErrors = readonly {
  readonly value: unknown
  readonly message?: string | undefined
  readonly context: readonly { readonly key: string; readonly type: { readonly name: string } }[]
}[]

/** Says whether a schema is an io-ts type. */
export function isIoTsType(schema: object): schema is IoTsType<unknown> {
  return '_tag' in schema || ('decode' in schema && 'is' in schema && 'validate' in schema)
}

/** JSON checked and transformed by an io-ts type, in both directions. */
export function ioTs<A, O>(type: IoTsType<A, O>): Codec<A> {
  return {
    decode(bytes) {
      const result = type.decode(parseJson(bytes))
      if (result._tag === 'Right') return result.right
      throw new DecodeError(describe(result.left))
    },
    encode: (value) => toJson(type.encode(value)),
  }
}

/** The first three failures in words: what was expected, where, what came. */
function describe(errors: IoTsErrors): string {
  const lines = errors.slice(0, 3).map((error) => {
    const path = error.context.map((entry) => entry.key).filter((key) => key !== '')
    const expected = error.context.at(-1)?.type.name ?? 'another value'
    const place = path.length > 0 ? ` at ${path.join('.')}` : ''
    return error.message ?? `Expected ${expected}${place}, got ${excerpt(error.value)}`
  })
  const more = errors.length - lines.length
  return lines.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

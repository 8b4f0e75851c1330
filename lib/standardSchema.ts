import { type Codec, parseJson, toJson } from './codec.ts'
import { DecodeError, FatalError } from './errors.ts'

/** A schema that follows Standard Schema (https://standardschema.dev), version 1: zod, valibot, arktype, effect. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type Validated<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Says whether a schema follows Standard Schema. */
export function isStandardSchema(schema: object): schema is StandardSchema {
  return '~standard' in schema
}

/**
 * JSON checked by a schema. On the way in the value is what the schema makes of it. On the way out it is validated,
 * then written as JSON as it is: Standard Schema has no way back, so a schema that transforms has to accept its own
 * output to be sent.
 */
export function standardSchema<A>(schema: StandardSchema<unknown, A>): Codec<A> {
  const validate = (value: unknown): A => {
    const result = schema['~standard'].validate(value)
    if ('then' in result) throw new FatalError(asyncText(schema['~standard'].vendor))
    if (result.issues === undefined) return result.value
    throw new DecodeError(describe(result.issues))
  }
  return {
    decode: (bytes) => validate(parseJson(bytes)),
    encode(value) {
      validate(value)
      return toJson(value)
    },
  }
}

function describe(issues: readonly Issue[]): string {
  const lines = issues.slice(0, 3).map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
    return path.length > 0 ? `${issue.message} at ${path.join('.')}` : issue.message
  })
  return lines.join('; ') + (issues.length > 3 ? `; and ${issues.length - 3} more` : '')
}

function asyncText(vendor: string): string {
  return `Expected a synchronous schema, got one of ${vendor} that validates asynchronously; do asynchronous checks in the pipe, with perMessage`
}

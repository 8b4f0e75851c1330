import { chain } from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'

/** A date, written as ISO 8601 text in JSON. */
export const DateFromISO = new t.Type<Date, string>(
  'DateFromISO',
  (input): input is Date => input instanceof Date,
  (input, context) => pipe(t.string.validate(input, context), chain(parse(input, context))),
  (date) => date.toISOString(),
)

const parse = (input: unknown, context: t.Context) => (text: string) => {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? t.failure<Date>(input, context) : t.success(date)
}

import * as t from 'io-ts'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod'
import { bytes, json, text, tombstones } from '../../lib/codec.ts'
import type { StandardSchema } from '../../lib/standardSchema.ts'
import { type Topic, topic } from '../../lib/topic.ts'

const utf8 = (value: string) => new TextEncoder().encode(value)
const errorOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    return String(error)
  }
  throw new Error('Expected an error, got none')
}

describe('json', () => {
  it('reads and writes JSON', () => {
    const { decode, encode } = json<{ a: number }>()
    expect(decode(utf8('{"a":1}'))).toEqual({ a: 1 })
    expect(encode({ a: 1 })).toBe('{"a":1}')
  })

  it('reads bytes that are not a Buffer, and text beyond ASCII', () => {
    expect(json().decode(Uint8Array.from(Buffer.from('"é 😀"')))).toBe('é 😀')
  })

  it('says what came when it is no JSON', () => {
    expect(errorOf(() => json().decode(utf8('{oops')))).toBe('DecodeError: Expected JSON, got "{oops"')
    expect(errorOf(() => json().decode(utf8('x'.repeat(200))))).toMatch(
      /^DecodeError: Expected JSON, got "x{76}\.\.\.$/,
    )
  })

  it('refuses a null value and names tombstones', () => {
    expect(errorOf(() => json().decode(null))).toContain('got null (a tombstone); use tombstones(codec)')
  })

  it('refuses to write what JSON can not hold', () => {
    expect(errorOf(() => json().encode(undefined))).toContain('Expected a value that JSON can hold, got undefined')
  })
})

describe('text and bytes', () => {
  it('are taken as they are', () => {
    expect(text.decode(utf8('é'))).toBe('é')
    expect(text.encode('é')).toBe('é')
    expect(bytes.encode(utf8('a'))).toEqual(utf8('a'))
  })

  it('copies bytes: a view would keep the whole fetch in memory', () => {
    const fetched = utf8('abc')
    const value = bytes.decode(fetched.subarray(1))
    expect(value).toEqual(utf8('bc'))
    expect(value.buffer).not.toBe(fetched.buffer)
  })
})

describe('tombstones', () => {
  it('makes a missing value null, in both directions', () => {
    const codec = tombstones(json<number>())
    expect(codec.decode(null)).toBeNull()
    expect(codec.decode(utf8('1'))).toBe(1)
    expect(codec.encode(null)).toBeNull()
    expect(codec.encode(1)).toBe('1')
  })
})

describe('topic of an io-ts type', () => {
  const DateText = new t.Type<Date, string>(
    'DateText',
    (value): value is Date => value instanceof Date,
    (input, context) => (typeof input === 'string' ? t.success(new Date(input)) : t.failure(input, context)),
    (value) => value.toISOString(),
  )
  const orders = topic('orders', t.type({ id: t.string, at: DateText, tags: t.array(t.string) }))

  it('transforms on the way in and back on the way out', () => {
    const written = '{"id":"1","at":"2026-01-02T03:04:05.000Z","tags":[]}'
    const order = orders.decode(utf8(written))
    expect(order.at).toEqual(new Date('2026-01-02T03:04:05Z'))
    expect(orders.encode(order)).toBe(written)
    expectTypeOf(orders).toEqualTypeOf<Topic<{ id: string; at: Date; tags: string[] }>>()
  })

  it('says what was expected, where, and what came', () => {
    expect(errorOf(() => orders.decode(utf8('{"id":1,"at":"2026","tags":["a",2]}')))).toBe(
      'DecodeError: Expected string at id, got 1; Expected string at tags.1, got 2',
    )
    expect(errorOf(() => orders.decode(utf8('7')))).toContain('got 7')
    expect(errorOf(() => orders.decode(utf8('{}')))).toContain('Expected string at id, got undefined')
  })

  it('counts the failures it does not list', () => {
    const many = topic('many', t.type({ a: t.string, b: t.string, c: t.string, d: t.string, e: t.string }))
    expect(errorOf(() => many.decode(utf8('{}')))).toMatch(/; and 2 more$/)
  })
})

describe('topic of a Standard Schema', () => {
  const orders = topic('orders', z.object({ id: z.string(), quantity: z.number().positive() }))

  it('validates on the way in and on the way out', () => {
    expect(orders.decode(utf8('{"id":"1","quantity":2}'))).toEqual({ id: '1', quantity: 2 })
    expect(orders.encode({ id: '1', quantity: 2 })).toBe('{"id":"1","quantity":2}')
    expect(errorOf(() => orders.encode({ id: '1', quantity: -2 }))).toMatch(/^DecodeError: .*quantity/)
    expectTypeOf(orders).toEqualTypeOf<Topic<{ id: string; quantity: number }>>()
  })

  it('says which field is wrong', () => {
    expect(errorOf(() => orders.decode(utf8('{"id":"1","quantity":"2"}')))).toMatch(/^DecodeError: .* at quantity$/)
  })

  it('refuses a schema that validates asynchronously', () => {
    const slow = topic(
      'slow',
      z.string().refine(async () => true),
    )
    expect(errorOf(() => slow.decode(utf8('"a"')))).toMatch(
      /^FatalError: Expected a synchronous schema, got one of zod/,
    )
  })

  it('takes any schema of the standard, with path segments as objects', () => {
    const schema: StandardSchema<unknown, string> = {
      '~standard': {
        version: 1,
        vendor: 'mine',
        validate: (value) =>
          typeof value === 'string'
            ? { value }
            : { issues: Array.from({ length: 4 }, () => ({ message: 'no text', path: [{ key: 'a' }, 0] })) },
      },
    }
    const mine = topic('mine', schema)
    expect(mine.decode(utf8('"a"'))).toBe('a')
    expect(errorOf(() => mine.decode(utf8('1')))).toBe(
      'DecodeError: no text at a.0; no text at a.0; no text at a.0; and 1 more',
    )
  })
})

describe('topic', () => {
  it('takes any codec, and a pattern for a name', () => {
    const lines = topic(/^lines-/, text)
    expect(lines.name).toEqual(/^lines-/)
    expect(lines.decode(utf8('a'))).toBe('a')
  })

  it('is of unknown values when its codec is', () => {
    expectTypeOf(topic('anything', json())).toEqualTypeOf<Topic<unknown>>()
    expectTypeOf(topic('numbers', json<number>())).toEqualTypeOf<Topic<number>>()
  })

  it('refuses what is no codec', () => {
    // @ts-expect-error no codec
    expect(() => topic('orders', { decode: 1 })).toThrow('Expected a codec for topic orders')
    // @ts-expect-error json was not called
    expect(() => topic('orders', json)).toThrow('json(), text, bytes), got the function json')
    // @ts-expect-error no codec
    expect(() => topic('orders')).toThrow('got undefined')
  })
})

import { describe, expect, expectTypeOf, it } from 'vitest'
import { expectInteger, expectText, optional } from '../../lib/expect.ts'
import {
  type AllRequestOptions,
  type BatchOptions,
  operatorOptions,
  type RequestOptions,
} from '../../lib/operatorOptions.ts'

interface Options extends RequestOptions {
  readonly index: string
  readonly depth?: number
  readonly note?: string
  readonly batch?: BatchOptions
}

const depth = (name: string, value: unknown) => expectInteger(name, value, 1)
const checks = { index: expectText, depth, note: optional(expectText) }
const all = (options: Options) => operatorOptions(options, { name: 'op', batch: { max: 7 }, depth: 3 }, checks)
const wrong = (options: object) => () => all({ index: 'i', ...options } as Options)

describe('operatorOptions', () => {
  it('gives all options, with the defaults of the operator and those that all have', () => {
    const { request, ...own } = all({ index: 'i' })
    expect(own).toEqual({ index: 'i', depth: 3, note: undefined })
    expect(request).toEqual({
      name: 'op',
      concurrency: 16,
      order: 'key',
      timeout: 10_000,
      totalTimeout: Number.POSITIVE_INFINITY,
      retry: {},
      classify: expect.any(Function),
      batch: { max: 7, wait: 5 },
    })
    expectTypeOf(request).toEqualTypeOf<AllRequestOptions>()
    expectTypeOf(own.depth).toEqualTypeOf<number>()
    expectTypeOf(own.index).toEqualTypeOf<string>()
  })

  it('takes an option that is undefined for one that was left out', () => {
    const given = { index: 'i', depth: undefined, concurrency: undefined, batch: { max: undefined, wait: 1 } }
    const { request, depth } = all(given as unknown as Options)
    expect([depth, request.concurrency, request.batch]).toEqual([3, 16, { max: 7, wait: 1 }])
  })

  it('sends one message a request where the operator has no batches, and then takes no `batch`', () => {
    const { request } = operatorOptions({}, { name: 'op' }, {})
    expect(request.batch.max).toBe(1)
    expect(() => operatorOptions({ batch: { max: 2 } } as RequestOptions, { name: 'op' }, {})).toThrow(
      'Expected no `batch` in `options of op`',
    )
  })

  it.each([
    ['concurency', 'did you mean `concurrency`?'],
    ['concurrent', 'did you mean `concurrency`?'],
    ['retries', 'did you mean `retry`?'],
    ['timeOut', 'did you mean `timeout`?'],
    ['orderBy', 'did you mean `order`?'],
    [
      'ttl',
      'it has concurrency, order, timeout, totalTimeout, retry, rateLimit, classify, name, batch, index, depth, note',
    ],
  ])('refuses the unknown option %s, and says: %s', (option, advice) => {
    expect(wrong({ [option]: 5 })).toThrow(
      `Expected no \`${option}\` in \`options of op\`, got \`5\` (number); ${advice}`,
    )
  })

  it.each([
    [{ batch: { size: 5 } }, 'Expected no `size` in `batch`, got `5` (number); it has max, wait'],
    [{ retry: { attemps: 5 } }, 'Expected no `attemps` in `retry`, got `5` (number); did you mean `attempts`?'],
    [
      { retry: 3 },
      'Expected `retry` to be an object with some of attempts, delay, factor, max, jitter, got `3` (number)',
    ],
    [{ retry: { factor: 0.5 } }, 'Expected `retry.factor` to be a number >= 1, got `0.5` (number)'],
    [{ retry: { jitter: 'half' } }, 'Expected `retry.jitter` to be one of full, none, got `half` (string)'],
    [{ rateLimit: 10 }, 'Expected `rateLimit` to be what rateLimit({ count, interval }) gives, got `10` (number)'],
    [
      { rateLimit: { count: 1 } },
      'Expected `rateLimit` to be what rateLimit({ count, interval }) gives, got `{"count":1}` (object)',
    ],
    [{ classify: 'fatal' }, 'Expected `classify` to be a function, got `fatal` (string)'],
    [{ totalTimeout: '5s' }, 'Expected `totalTimeout` to be a number of ms >= 0, got `5s` (string)'],
    [{ name: '' }, 'Expected `name` to be a string that is not empty, got `` (string)'],
    [{ index: 7 }, 'Expected `index` to be a string that is not empty, got `7` (number)'],
    [{ index: undefined }, 'Expected `index` to be a string that is not empty, got `undefined` (undefined)'],
    [{ depth: null }, 'Expected `depth` to be an integer >= 1, got `null` (object)'],
  ])('refuses %j', (options, text) => {
    expect(wrong(options)).toThrow(new TypeError(text))
  })

  it.each([null, undefined, 7, []])('refuses %s in the place of options', (options) => {
    expect(() => all(options as unknown as Options)).toThrow(/^Expected `options of op` to be an object with some of /)
  })
})

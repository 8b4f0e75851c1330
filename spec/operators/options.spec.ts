import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { text } from '../../lib/codec.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { topic } from '../../lib/topic.ts'
import { enrichFromInflux, postTo, searchEs, sendTo, zaddTo } from '../../operators/index.ts'
import { holds } from '../support/property.ts'

const kafka = memoryBroker()
const select = () => ({}) as never

/** Each operator, with the options that it can't do without. */
const OPERATORS = {
  enrichFromInflux: (options: object) =>
    enrichFromInflux(() => [], select, { org: 'o', bucket: 'b', into: 'x', ...options } as never),
  postTo: (options: object) => postTo('http://localhost', select, options),
  searchEs: (options: object) => searchEs({ msearch: () => [] }, select, { into: 'x', ...options } as never),
  sendTo: (options: object) => sendTo(kafka, topic('t', text), select, options),
  zaddTo: (options: object) => zaddTo({ pipeline: () => ({ exec: () => [] }) }, select, options),
} as const

const isCount = (value: unknown) =>
  value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) >= 1)
const isMs = (value: unknown) => typeof value === 'number' && value >= 0
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isAnyObject = (value: unknown) => typeof value === 'object' && value !== null
const isFunction = (value: unknown) => typeof value === 'function'

/** What each option that all have takes. */
const COMMON: Readonly<Record<string, (value: unknown) => boolean>> = {
  concurrency: isCount,
  order: (value) => ['key', 'partition', 'none'].includes(value as string),
  timeout: isMs,
  totalTimeout: isMs,
  retry: isObject,
  rateLimit: () => false,
  classify: isFunction,
  name: (value) => typeof value === 'string' && value !== '',
}

const oneOf =
  (...words: unknown[]) =>
  (value: unknown) =>
    words.includes(value)
const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isFrom = (min: number) => (value: unknown) => isCount(value) || (Number.isInteger(value) && Number(value) >= min)
const isInto = (value: unknown) => isText(value) || isFunction(value)
const isWholeMs = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1
const isList = (isPart: (part: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(isPart)
const isStatus = (value: unknown) => isWholeMs(value) && Number(value) >= 200 && Number(value) <= 599

const LOOK_UP = {
  into: isInto,
  onMiss: (value: unknown) =>
    oneOf('null', 'drop', 'nack')(value) || (isObject(value) && 'default' in (value as object)),
  cache: isObject,
}

/** What each option takes that only one operator has. */
const OWN: Readonly<Record<keyof typeof OPERATORS, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  enrichFromInflux: { ...LOOK_UP, org: isText, bucket: isText, lookback: isMs, maxAge: isMs, batch: isObject },
  postTo: {
    ...{ method: oneOf('POST', 'PUT', 'PATCH', 'DELETE'), headers: (value) => isFunction(value) || isAnyObject(value) },
    ...{ auth: isFunction, body: isFunction, idempotencyKey: isFunction, fetch: isFunction },
    ...{ successOn: isList(isStatus), retryOn: isList(isStatus) },
    ...{ maxRequestBytes: isCount, maxResponseBytes: isFrom(0) },
    ...{ into: isInto, response: oneOf('json', 'text', 'discard') },
  },
  searchEs: {
    ...{ ...LOOK_UP, batch: isObject, source: isList(isText), minScore: Number.isFinite },
    allowPartial: oneOf(true, false),
  },
  sendTo: {
    ...{ transaction: () => false, timestamp: oneOf('source', 'now'), acks: oneOf('all', 'leader'), batch: isObject },
    ...{ compression: oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'), maxMessageBytes: isCount },
  },
  zaddTo: {
    ...{ when: oneOf('NX', 'XX', 'GT', 'LT', 'XX GT', 'XX LT'), incr: oneOf(true, false), dedupe: isObject },
    ...{ maxLen: isCount, keep: oneOf('highest', 'lowest'), maxAge: isMs, batch: isObject },
    ...{ ttl: isWholeMs, ttlMode: oneOf('refresh', 'once'), waitReplicas: isFrom(0) },
    ...{ result: oneOf('added', 'changed'), into: isInto },
  },
}

const PARTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  'retry.attempts': isCount,
  'retry.delay': isMs,
  'retry.factor': (value) => typeof value === 'number' && value >= 1,
  'retry.max': isMs,
  'retry.jitter': (value) => value === 'full' || value === 'none',
}

const anything = fc.anything({
  withNullPrototype: true,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withTypedArray: true,
})
const wrongOf = (takes: Readonly<Record<string, (value: unknown) => boolean>>) =>
  fc.constantFrom(...Object.keys(takes)).chain((option) =>
    fc.record({
      option: fc.constant(option),
      value: anything.filter((value) => value !== undefined && takes[option]?.(value) === false),
    }),
  )

/** The text of the error that building a pipe throws. */
function refusal(operator: keyof typeof OPERATORS, options: object): string {
  try {
    OPERATORS[operator](options)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
  throw new Error(`${operator} took ${fc.stringify(options)}`)
}

describe.each(Object.keys(OPERATORS) as (keyof typeof OPERATORS)[])('%s', (operator) => {
  it('refuses a wrong value of each common option when the pipe is built: names it, what it takes and what came', () => {
    holds(
      wrongOf(COMMON),
      ({ option, value }) => {
        const message = refusal(operator, { [option]: value })
        expect(message).toMatch(new RegExp(`^Expected \`${option}\` to be [^\`]+, got \`[^]*\` \\(${typeof value}\\)$`))
      },
      { runs: 300 },
    )
  })

  it('refuses a wrong value of each option of its own', () => {
    holds(
      wrongOf(OWN[operator]),
      ({ option, value }) => {
        const message = refusal(operator, { [option]: value })
        expect(message).toMatch(new RegExp(`^Expected \`${option}\` to be [^\`]+, got \`[^]*\` \\(${typeof value}\\)$`))
      },
      { runs: 500 },
    )
  })

  it('refuses a wrong part of an option', () => {
    holds(
      wrongOf(PARTS),
      ({ option, value }) => {
        const [whole = '', part = ''] = option.split('.')
        const message = refusal(operator, { [whole]: { [part]: value } })
        expect(message).toMatch(new RegExp(`^Expected \`${option}\` to be [^\`]+, got \`[^]*\` \\(${typeof value}\\)$`))
      },
      { runs: 200 },
    )
  })

  it('refuses a name that nobody knows, and says which it has or which may be meant', () => {
    const names = fc.string({ minLength: 1, unit: 'binary' }).map((name) => `${name}!`)
    holds(
      fc.record({ name: names, value: anything.filter((value) => value !== undefined) }),
      ({ name, value }) => {
        const message = refusal(operator, { [name]: value })
        expect(message.startsWith(`Expected no \`${name}\` in \`options of ${operator}\`, got \``)).toBe(true)
        expect(message).toMatch(/; (it has concurrency, |did you mean `)/)
      },
      { runs: 200 },
    )
  })

  it('takes every common option, and one that is undefined', () => {
    const options = {
      concurrency: 3,
      order: 'partition',
      timeout: 5,
      totalTimeout: 50,
      retry: { attempts: 3, delay: 1, factor: 1, max: 5, jitter: 'none' },
      rateLimit: undefined,
      classify: () => 'fatal',
      name: 'mine',
    }
    expect(() => OPERATORS[operator](options)).not.toThrow()
  })
})

it.each([
  ['enrichFromInflux', 'org', 7],
  ['enrichFromInflux', 'bucket', ''],
  ['enrichFromInflux', 'lookback', -1],
  ['enrichFromInflux', 'maxAge', '1h'],
  ['enrichFromInflux', 'cache', true],
  ['enrichFromInflux', 'into', 7],
  ['enrichFromInflux', 'onMiss', 'nil'],
  ['enrichFromInflux', 'batch', 5],
  ['postTo', 'headers', 'x'],
  ['postTo', 'idempotencyKey', 'x'],
  ['postTo', 'successOn', 200],
  ['postTo', 'retryOn', ['500']],
  ['postTo', 'fetch', 'x'],
  ['searchEs', 'into', ''],
  ['searchEs', 'onMiss', 'nil'],
  ['searchEs', 'batch', null],
  ['sendTo', 'batch', []],
  ['zaddTo', 'batch', 'all'],
] as const)('%s refuses %s: %j', (operator, option, value) => {
  expect(refusal(operator, { [option]: value })).toMatch(new RegExp(`^Expected \`${option}\` to be [^\`]+, got \``))
})

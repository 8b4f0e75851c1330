import { randomBytes } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { flux, fluxExpression, InfluxDB } from '@influxdata/influxdb-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorClassOf, FatalError } from '../../../lib/errors.ts'
import type { PerBatchOptions } from '../../../lib/perBatch.ts'
import {
  type EnrichFromInfluxOptions,
  enrichFromInflux,
  type InfluxLike,
} from '../../../operators/enrichFromInflux/enrichFromInflux.ts'
import type { InfluxLookup } from '../../../operators/enrichFromInflux/lookup.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { influxUrl: url, influxOrg: org, influxToken: token } = connectionSettings()
const bucket = `enrich-${randomBytes(4).toString('hex')}`
const influx = new InfluxDB({ url, token })

/** 2024-01-01T00:00:00Z */
const T0 = 1_704_067_200_000_000_000n
const SECOND = 1_000_000_000n

const priceOf = (symbol: string, at: InfluxLookup['at'], tags = {}): InfluxLookup => ({
  measurement: 'marketdata',
  field: 'price',
  tags: { symbol, ...tags },
  at,
})

/** What the look-ups find. */
async function pricesOf(
  lookups: readonly InfluxLookup[],
  options: Pick<EnrichFromInfluxOptions, 'lookback' | 'concurrency' | 'cache'> = {},
  client: InfluxLike = influx,
) {
  const enrich = enrichFromInflux(client, (lookup: InfluxLookup) => lookup, { org, bucket, into: 'price', ...options })
  const { values, acked, error, nacked } = await throughOperator(lookups, enrich)
  expect(error).toBeUndefined()
  expect(nacked).toEqual(new Map())
  const prices: (number | null | undefined)[] = []
  for (const [i, { price }] of values.entries()) prices[acked[i] as number] = price
  return prices
}

/** A client that counts its queries. */
function counted({ transport }: InfluxLike) {
  let queries = 0
  const send: InfluxLike['transport']['send'] = (...asked) => {
    queries++
    transport.send(...asked)
  }
  return { client: { transport: { send } }, queries: () => queries }
}

const quick = { retry: { delay: 1 } }

/** What became of look-ups as messages. */
function settle(
  client: InfluxDB,
  lookups: readonly InfluxLookup[],
  options: Partial<PerBatchOptions & { org: string; bucket: string }> = {},
  tell?: (event: string) => void,
) {
  const all = { org, bucket, into: 'price', ...options } as const
  return throughOperator(
    lookups,
    enrichFromInflux(client, (lookup) => lookup, all),
    tell,
  )
}

/** Texts that mean something to Flux, to the line protocol, to a shell or to a reader of CSV. */
const SEEDS = [
  'a"b',
  '"',
  '""',
  'a\\b',
  'a\\"b',
  'C:\\x',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is data
  '${1+1}',
  '$${1}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is data
  '\\${1}',
  '$',
  '$$',
  '${',
  'a$"b',
  '$"',
  '$\\x',
  '$${r.symbol}',
  '") |> drop()',
  '`") |> drop()',
  '") |> drop(columns:["_value"]) //',
  '") |> yield(name:"x") //',
  ' or true) //',
  '" or true or r.symbol == "',
  'x") or (true',
  "' or 1=1 --",
  'a b,c=d',
  '=,= ',
  'é漢字🚀',
  '\u2028sep',
  '%24%7B',
  '//comment',
  '/*c*/',
  'r.symbol',
  'null',
  '\u0001ctl',
  '\u00a0nbsp',
  '{{x}}',
  '\\x41',
  '\\u0041',
  '  lead',
  '#datatype,string',
  'a,b',
  'constructor',
  '__proto__',
  '-1',
  '0x',
  'e\u0301',
  '\u00e9',
]

/** They alone, within, before and after what could open or close a string: all that the line protocol can store. */
const HOSTILE = [
  ...new Set(SEEDS.flatMap((text) => [text, `a${text}b`, `${text}"`, `$${text}$`, `"${text} or true) //`])),
].filter((text) => !text.endsWith('\\'))

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${url}${path}`, { ...init, headers: { authorization: `Token ${token}` } })
  expect(response.status, await response.clone().text()).toBeLessThan(300)
  return response
}

const write = (lines: readonly string[]) =>
  ask(`/api/v2/write?org=${org}&bucket=${bucket}&precision=ns`, { method: 'POST', body: lines.join('\n') })

/** A tag's value as the line protocol wants it. */
const tag = (text: string) => text.replace(/[,= ]/g, '\\$&')

/** Runs Flux with the client's own query API. */
const rowsOf = (query: ReturnType<typeof flux>) => influx.getQueryApi(org).collectRows<{ _value: number }>(query)

/** A server that answers in its own way; gives its client, and how many of its sockets were closed by the other side. */
async function stub(answer: (response: ServerResponse, call: number) => void) {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response, ++calls))
    request.socket.once('close', () => closed++)
  })
  let calls = 0
  let closed = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stubs.push(server)
  const { port } = server.address() as AddressInfo
  const client = new InfluxDB({ url: `http://127.0.0.1:${port}`, token })
  return { client, calls: () => calls, closed: () => closed }
}

const stubs: Server[] = []

afterEach(() => {
  for (const server of stubs.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

const csv = { 'content-type': 'text/csv; charset=utf-8' }
const TABLE =
  '#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n,result,table,_time,_value,_measurement,_field,symbol\r\n'
const ROW = ',last0,0,2024-01-01T00:00:00Z,5,marketdata,price,A\r\n\r\n'

let bucketId: string

beforeAll(async () => {
  const found = await ask(`/api/v2/orgs?org=${org}`)
  const { orgs } = (await found.json()) as { orgs: { id: string }[] }
  const body = JSON.stringify({ orgID: orgs[0]?.id, name: bucket, retentionRules: [] })
  bucketId = ((await (await ask('/api/v2/buckets', { method: 'POST', body })).json()) as { id: string }).id
})

afterAll(() => ask(`/api/v2/buckets/${bucketId}`, { method: 'DELETE' }))

describe('enrichFromInflux, with a real InfluxDB', () => {
  it('finds the latest value at or before the instant, to the nanosecond', async () => {
    await write([`marketdata,symbol=NS price=1 ${T0}`, `marketdata,symbol=NS price=2 ${T0 + 7n}`])
    const instants = [T0 - 1n, T0, T0 + 1n, T0 + 6n, T0 + 7n, T0 + 8n, T0 + SECOND]
    const expected = [null, 1, 1, 1, 2, 2, 2]
    expect(await pricesOf(instants.map((at) => priceOf('NS', at)))).toEqual(expected)
    for (const [i, at] of instants.entries()) expect(await pricesOf([priceOf('NS', at)])).toEqual([expected[i]])
  })

  it('takes an instant as a Date or as RFC 3339 text too', async () => {
    await write([`marketdata,symbol=MS price=1 ${T0}`, `marketdata,symbol=MS price=2 ${T0 + 5_000_000n}`])
    const date = (ms: number) => new Date(Number(T0 / 1_000_000n) + ms)
    expect(await pricesOf([-1, 0, 4, 5].map((ms) => priceOf('MS', date(ms))))).toEqual([null, 1, 1, 2])
    const texts = ['2023-12-31T23:59:59.999999999Z', '2024-01-01T01:00:00+01:00', '2024-01-01T00:00:00.005Z']
    expect(await pricesOf(texts.map((at) => priceOf('MS', at)))).toEqual([null, 1, 2])
  })

  it('takes the latest over all series that have the tags', async () => {
    await write([
      `marketdata,symbol=MANY,exchange=x price=1 ${T0}`,
      `marketdata,symbol=MANY,exchange=y price=2 ${T0 + 1n}`,
      `marketdata,symbol=MANY,exchange=z,currency=EUR price=3 ${T0 + 2n}`,
      `marketdata,symbol=MANY,exchange=x price=4 ${T0 + 4n}`,
      `marketdata,symbol=MANY,exchange=y price=9 ${T0 + 4n}`,
      `marketdata,symbol=MANY,exchange=y ask=100,price=5 ${T0 + SECOND}`,
      `other,symbol=MANY,exchange=y price=100 ${T0 + SECOND}`,
    ])
    const instants = [0n, 1n, 2n, 3n, 4n, SECOND].map((ns) => T0 + ns)
    const of = (tags: Record<string, string>) => pricesOf(instants.map((at) => priceOf('MANY', at, tags)))
    expect(await of({})).toEqual([1, 2, 3, 3, 9, 5])
    expect(await of({ exchange: 'x' })).toEqual([1, 1, 1, 1, 4, 4])
    expect(await of({ exchange: 'z', currency: 'EUR' })).toEqual([null, null, 3, 3, 3, 3])
    expect(await of({ exchange: '' })).toEqual([null, null, null, null, null, null])
    // Together in one query, each finds its own.
    const at = T0 + 3n
    const mixed = [{}, { exchange: 'x' }, { exchange: 'y' }, { currency: 'EUR' }, { currency: 'USD' }]
    expect(await pricesOf(mixed.map((tags) => priceOf('MANY', at, tags)))).toEqual([3, 1, 2, 3, null])
  })

  it('looks as far back as `lookback`, and no further', async () => {
    await write([`marketdata,symbol=OLD price=1 ${T0}`])
    const later = [0n, 60n * SECOND, 60n * SECOND + 1n].map((ns) => priceOf('OLD', T0 + ns))
    expect(await pricesOf(later, { lookback: 60_000 })).toEqual([1, 1, null])
    expect(await pricesOf(later, { lookback: 0 })).toEqual([1, null, null])
    expect(await pricesOf(later, { lookback: 1e15 })).toEqual([1, 1, 1])
    const month = 30n * 86_400n * SECOND
    expect(await pricesOf([priceOf('OLD', T0 + month), priceOf('OLD', T0 + month + 1n)])).toEqual([1, null])
  })

  it('finds the same for a thousand scattered instants of many series as a computation does', async () => {
    const series = Array.from({ length: 30 }, (_, s) => `S${s}`)
    const step = 10n * SECOND
    await write(
      series.flatMap((name, s) =>
        Array.from(
          { length: 200 },
          (_, i) => `marketdata,symbol=${name} price=${s * 1000 + i} ${T0 + BigInt(i) * step + BigInt(s)}`,
        ),
      ),
    )
    const instants = Array.from(
      { length: 1000 },
      (_, i) => T0 - step + ((BigInt(i) * 7_919n) % 2_100n) * SECOND + BigInt(i % 40),
    )
    const expected = instants.map((at, i) => {
      const s = i % 30
      const last = (at - T0 - BigInt(s)) / step
      return at < T0 + BigInt(s) ? null : s * 1000 + Number(last > 199n ? 199n : last)
    })
    const lookups = instants.map((at, i) => priceOf(`S${i % 30}`, at))
    expect(await pricesOf(lookups)).toEqual(expected)
    // Again from the cache: what the first half asked for answers the second, without a query.
    const twice = [...lookups, ...lookups]
    const { client, queries } = counted(influx)
    const cached = { concurrency: 1, cache: { ttl: 600_000, negativeTtl: 600_000 } }
    expect(await pricesOf(twice, cached, client)).toEqual([...expected, ...expected])
    expect(queries()).toBe(Math.ceil(1000 / 256))
  })

  it('finds a symbol by its characters, whatever they are', async () => {
    expect(HOSTILE.length).toBeGreaterThan(200)
    await write(HOSTILE.map((symbol, i) => `marketdata,symbol=${tag(symbol)} price=${i} ${T0}`))
    expect(await pricesOf(HOSTILE.map((symbol) => priceOf(symbol, T0)))).toEqual(HOSTILE.map((_, i) => i))
    // Two in a query, so that one could break out of its string into the other's.
    for (let i = 0; i < HOSTILE.length; i++) {
      const pair = [i, (i * 7 + 1) % HOSTILE.length]
      expect(await pricesOf(pair.map((at) => priceOf(HOSTILE[at] as string, T0)))).toEqual(pair)
    }
  })

  it('takes names of measurements, fields and tags as data too', async () => {
    const name = 'a "b" $ \\x) |> drop()'
    await write([`${tag(name)},${tag(name)}=v ${tag(name)}=7 ${T0}`])
    expect(await pricesOf([{ measurement: name, field: name, tags: { [name]: 'v' }, at: T0 }])).toEqual([7])
  })

  it('finds nothing for a symbol that could not be stored as it is', async () => {
    expect(await pricesOf(['a\nb', 'a\r\nb', 'a\tb', 'nul\u0000', ''].map((symbol) => priceOf(symbol, T0)))).toEqual(
      Array(5).fill(null),
    )
  })

  it('does not let two values break out of their strings, as they do from the flux template of the client', async () => {
    await write([`marketdata,symbol=SECRET price=42 ${T0}`])
    const [first, second] = ['$\\', ' or true) // all']
    const start = fluxExpression(`time(v: ${T0})`)
    const injected =
      await rowsOf(flux`from(bucket: ${bucket}) |> range(start: ${start}) |> filter(fn: (r) => r.symbol == ${first} or r.symbol == ${second})
      |> last()`)
    expect(injected.map(({ _value }) => _value)).toContain(42)
    expect(await pricesOf([priceOf(first as string, T0), priceOf(second as string, T0)])).toEqual([null, null])
  })

  it('refuses a number as an instant, which the client would have InfluxDB read as seconds', async () => {
    await write([`marketdata,symbol=NUM price=1 ${T0}`, `marketdata,symbol=NUM price=2 ${T0 + 3600n * SECOND}`])
    const ms = Number(T0 / 1_000_000n)
    const found = await rowsOf(
      flux`from(bucket: ${bucket}) |> range(start: 0, stop: ${ms}) |> filter(fn: (r) => r.symbol == "NUM") |> last()`,
    )
    expect(found).toMatchObject([{ _value: 2 }])

    const { values, nacked } = await settle(influx, [priceOf('NUM', ms as never), priceOf('NUM', new Date(ms))])
    expect(values).toMatchObject([{ price: 1 }])
    expect([...nacked.values()].map(String)).toEqual([expect.stringContaining('got 1704067200000 (number)')])
  })

  it('nacks a message without a usable instant, and no other', async () => {
    const ats = [new Date(Number.NaN), 'yesterday', '2024-01-01', undefined, 10n ** 20n, T0]
    const { values, acked, nacked } = await settle(
      influx,
      ats.map((at) => priceOf('A', at as never)),
    )
    expect([values.length, acked]).toEqual([1, [5]])
    expect([...nacked.keys()]).toEqual([0, 1, 2, 3, 4])
    for (const error of nacked.values()) expect(errorClassOf(error)).toBe('permanent')
  })

  it('nacks a symbol with half a character, and a field that is not a number', async () => {
    await write([`marketdata,symbol=TEXT price="high" ${T0 + 400n * 86_400n * SECOND}`])
    const lookups = [priceOf('\ud800', T0), priceOf('TEXT', T0 + 400n * 86_400n * SECOND), priceOf('A', T0)]
    const { values, nacked } = await settle(influx, lookups)
    expect(values).toHaveLength(1)
    expect([...nacked.values()].map(String)).toEqual([
      expect.stringContaining('to be well-formed Unicode'),
      'PermanentError: Expected field "price" of measurement "marketdata" to be a number, got "high"',
    ])
  })

  it.each([
    ['token', { token: 'wrong' }, {}, 'give the client a token that may read the bucket'],
    [
      'bucket',
      {},
      { bucket: 'no-such-bucket' },
      'could not find bucket "no-such-bucket"; check the options org and bucket',
    ],
    [
      'organization',
      {},
      { org: 'no-such-org' },
      'organization name "no-such-org" not found; check the options org and bucket',
    ],
  ])('errors when the %s is wrong, and says what to do', async (_, client, options, text) => {
    const { error, nacked, acked, abandoned } = await settle(
      new InfluxDB({ url, token, ...client }),
      [priceOf('A', T0), priceOf('B', T0)],
      options,
    )
    expect(error).toBeInstanceOf(FatalError)
    expect(error?.message).toContain(text)
    expect([nacked.size, acked, abandoned]).toEqual([0, [], [0, 1]])
  })

  it('takes an error that comes within the answer for an error', async () => {
    const late =
      '#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,context deadline exceeded,897\r\n'
    const { client, calls } = await stub((response, call) => {
      response.writeHead(200, csv).end(call === 1 ? `${TABLE}${ROW}${late}` : `${TABLE}${ROW}`)
    })
    const events: string[] = []
    const { values } = await settle(client, [priceOf('A', T0)], quick, (event) => events.push(`${calls()}: ${event}`))
    expect(values).toMatchObject([{ price: 5 }])
    expect(events).toEqual(['2: 0 acked'])
  })

  it.each([
    ['unauthorized access', 'fatal'],
    ['schema collision: cannot group float and integer types together', 'permanent'],
  ])('gives an error within the answer its class: %s', async (said, expected) => {
    const { client } = await stub((response) => response.writeHead(200, csv).end(`error,reference\r\n${said},897\r\n`))
    const { error, nacked } = await settle(client, [priceOf('A', T0)], quick)
    expect(errorClassOf(error ?? nacked.get(0))).toBe(expected)
    expect(String(error ?? nacked.get(0))).toContain(said)
  })

  it('aborts a query that takes too long, though bytes keep coming, and asks again', async () => {
    const { client, closed } = await stub((response, call) => {
      if (call === 2) response.writeHead(200, csv).end(`${TABLE}${ROW}`)
      else {
        response.writeHead(200, csv).write(TABLE)
        const drip = setInterval(() => response.write(`${ROW.trimEnd()}\r\n`), 20)
        response.once('close', () => clearInterval(drip))
      }
    })
    const { values } = await settle(client, [priceOf('A', T0)], { ...quick, timeout: 150 })
    expect(values).toMatchObject([{ price: 5 }])
    expect(closed()).toBe(1)
  })

  it('waits as long as the server asks it to', async () => {
    const { client } = await stub((response, call) => {
      if (call > 1) response.writeHead(200, csv).end(`${TABLE}${ROW}`)
      else response.writeHead(503, { 'retry-after': '1' }).end()
    })
    const before = performance.now()
    const { values } = await settle(client, [priceOf('A', T0)], quick)
    expect(values).toMatchObject([{ price: 5 }])
    expect(performance.now() - before).toBeGreaterThan(990)
  })

  it('asks again when the connection breaks', async () => {
    const { client } = await stub((response, call) => {
      if (call === 1) response.socket?.destroy()
      else if (call === 2) response.writeHead(200, csv).write(TABLE, () => response.socket?.destroy())
      else response.writeHead(200, csv).end(`${TABLE}${ROW}`)
    })
    expect(await settle(client, [priceOf('A', T0)], quick)).toMatchObject({ values: [{ price: 5 }], acked: [0] })
  })

  it('gives up after `retry.attempts` when nobody listens', async () => {
    const nobody = new InfluxDB({ url: 'http://127.0.0.1:9', token })
    const { nacked } = await settle(nobody, [priceOf('A', T0)], { retry: { attempts: 2, delay: 1 } })
    expect(String(nacked.get(0))).toContain(
      'enrichFromInflux gave up after 2 tries: Got no answer from InfluxDB: connect ECONNREFUSED',
    )
  })
})

import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { InfluxDB } from '@influxdata/influxdb-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrichFromInflux } from '../../../operators/enrichFromInflux/enrichFromInflux.ts'
import { influxLogin } from '../../../services/defaults.ts'
import { openRun, servers } from '../../../services/servers.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { influxdb } = servers
const run = openRun({ name: 'influxdb-outage-spec', portBase: 23_600 })
const { org, bucket, token } = influxLogin

/** 2024-01-01T00:00:00Z */
const T0 = 1_704_067_200_000_000_000n
const SECOND = 1_000_000_000n
const SYMBOLS = 20
const COUNT = 400

const lookups = Array.from({ length: COUNT }, (_, i) => ({ symbol: `S${i % SYMBOLS}`, second: (i * 7) % 10 }))
/** A symbol has the price `1000 s + i` from second `i` on. */
const expected = lookups.map(({ second }, i) => (i % SYMBOLS) * 1000 + second)

/** Looks all up in small queries, while `disturb` does what it does once some have their price. */
async function lookUpDuring(disturb: () => Promise<void>, options: { timeout?: number } = {}) {
  const enrich = enrichFromInflux(
    new InfluxDB({ url: influxdb.url(run), token }),
    ({ symbol, second }: (typeof lookups)[number]) => ({
      ...{ measurement: 'marketdata', field: 'price', tags: { symbol } },
      at: T0 + BigInt(second) * SECOND + 5n,
    }),
    { org, bucket, into: 'price', batch: { max: 8 }, retry: { delay: 50, max: 200 }, ...options },
  )
  let disturbed: Promise<void> | undefined
  let settledBefore = 0
  const settled = await throughOperator(lookups, enrich, () => {
    settledBefore++
    if (settledBefore === 50) disturbed = disturb()
  })
  await disturbed
  return settled
}

async function expectAllFound(settled: Awaited<ReturnType<typeof lookUpDuring>>) {
  expect([settled.error, settled.nacked, settled.abandoned]).toEqual([undefined, new Map(), []])
  expect([...settled.acked].sort((a, b) => a - b)).toEqual(lookups.map((_, i) => i))
  const found = settled.acked.map((place, i) => [place, settled.values[i]?.price])
  expect(found).toEqual(settled.acked.map((place) => [place, expected[place]]))
}

describe('enrichFromInflux, when InfluxDB goes away', () => {
  beforeAll(async () => {
    await influxdb.start(run)
    const lines = Array.from({ length: SYMBOLS * 10 }, (_, i) => {
      const [s, second] = [i % SYMBOLS, Math.floor(i / SYMBOLS)]
      return `marketdata,symbol=S${s} price=${s * 1000 + second} ${T0 + BigInt(second) * SECOND}`
    })
    const response = await fetch(`${influxdb.url(run)}/api/v2/write?org=${org}&bucket=${bucket}&precision=ns`, {
      method: 'POST',
      headers: { authorization: `Token ${token}` },
      body: lines.join('\n'),
    })
    expect(response.status).toBe(204)
  })

  afterAll(async () => {
    await influxdb.kill(run)
    await rm(run.folder, { recursive: true, force: true })
  })

  it('finds everything, once, when it is killed under load and started again', async () => {
    const settled = await lookUpDuring(async () => {
      await influxdb.kill(run)
      await sleep(500)
      await influxdb.start(run)
    })
    await expectAllFound(settled)
  })

  it('finds everything, once, when it is stopped in good order and started again', async () => {
    const settled = await lookUpDuring(async () => {
      await influxdb.stop(run)
      await influxdb.start(run)
    })
    await expectAllFound(settled)
  })

  it('finds everything, once, when it takes longer than `timeout` for a while', async () => {
    const pid = influxdb.pid(run) as number
    const settled = await lookUpDuring(
      async () => {
        process.kill(pid, 'SIGSTOP')
        await sleep(1500)
        process.kill(pid, 'SIGCONT')
      },
      { timeout: 500 },
    )
    await expectAllFound(settled)
  })
})

import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionSettings, connectionVariables, defaultPortBase, influxLogin } from '../../services/defaults.ts'
import { ask } from '../../services/probe.ts'
import { openRun, servers } from '../../services/servers.ts'

const { redis } = servers
const run = openRun({ name: 'launcher-spec', portBase: 23_400 })

async function command(text: string): Promise<string> {
  return (await ask(23_400 + 6379, `${text}\r\n`))?.toString() ?? 'no answer'
}

describe('a server of a run', () => {
  beforeAll(() => redis.start(run))

  afterAll(async () => {
    await redis.stop(run)
    await rm(run.folder, { recursive: true, force: true })
  })

  it('answers on the port of its run, which is remembered by name', async () => {
    expect(redis.url(run)).toBe('redis://127.0.0.1:29779')
    expect(await redis.isUp(run)).toBe(true)
    expect(openRun({ name: 'launcher-spec' }).portBase).toBe(23_400)
    expect(await command('PING')).toBe('+PONG\r\n')
  })

  it('is not started twice', async () => {
    const pid = redis.pid(run)
    await Promise.all([redis.start(run), redis.start(run)])
    expect(redis.pid(run)).toBe(pid)
  })

  it('keeps its data when it is stopped', async () => {
    await command('SET survivor 1')
    await redis.stop(run)
    expect(await redis.isUp(run)).toBe(false)
    await redis.start(run)
    expect(await command('EXISTS survivor')).toBe(':1\r\n')
  })

  it('loses what it had only in memory when it is killed', async () => {
    await command('SET victim 1')
    await redis.kill(run)
    expect(redis.pid(run)).toBeUndefined()
    await redis.start(run)
    expect(await command('EXISTS victim')).toBe(':0\r\n')
  })

  it('takes settings in its own words', async () => {
    await redis.stop(run)
    await redis.start(run, { appendonly: 'yes', appendfsync: 'always' })
    await command('SET victim 2')
    await redis.kill(run)
    await redis.start(run, { appendonly: 'yes' })
    expect(await command('EXISTS victim')).toBe(':1\r\n')
  })

  it('refuses a port that another process has', async () => {
    const other = openRun({ name: 'launcher-spec-other', portBase: 23_400 })
    await expect(redis.start(other)).rejects.toThrow(
      'Port 29779 is taken by a process that run launcher-spec-other does not know',
    )
    await rm(other.folder, { recursive: true, force: true })
  })

  it('is wiped only while it is down', async () => {
    await expect(redis.wipe(run)).rejects.toThrow('Cannot delete the data of redis in run launcher-spec: it is up')
    await redis.stop(run)
    await redis.wipe(run)
    await redis.start(run)
    expect(await command('DBSIZE')).toBe(':0\r\n')
  })
})

describe('openRun', () => {
  it('asks a new run for a port base', () => {
    expect(() => openRun({ name: 'never-seen' })).toThrow('Run never-seen is new: give it a port base of its own')
  })

  it('refuses a port base that leaves no room for the ports', () => {
    expect(() => openRun({ portBase: 60_000 })).toThrow(
      'Expected the port base to be an integer from 0 to 56235, got `60000`',
    )
  })
})

describe('connectionSettings', () => {
  it('leads to the default run unless the environment says otherwise', () => {
    expect(connectionSettings({})).toMatchObject({ kafkaBrokers: ['127.0.0.1:19092'], esUrl: 'http://127.0.0.1:19200' })
    expect(connectionSettings({ KAFKA_BROKERS: 'a:1, b:2', ES_URL: '' })).toMatchObject({
      kafkaBrokers: ['a:1', 'b:2'],
      esUrl: 'http://127.0.0.1:19200',
    })
  })
})

describe('compose.yaml', () => {
  const compose = readFileSync(new URL('../../services/compose.yaml', import.meta.url), 'utf8')

  it('publishes the ports of the default run, on 127.0.0.1 only', () => {
    const published = [...compose.matchAll(/ports: *\[ *["'](.*?):\d+["'] *\]/g)].map(([, address]) => address)
    const { KAFKA_BROKERS, REDIS_URL, INFLUX_URL, ES_URL } = connectionVariables(defaultPortBase)
    expect(published).toEqual([KAFKA_BROKERS, REDIS_URL, INFLUX_URL, ES_URL].map((url) => url.replace(/^.*\/\//, '')))
  })

  it('sets InfluxDB up as the launcher does', () => {
    for (const value of Object.values(influxLogin)) expect(compose).toContain(`: ${value}\n`)
  })
})

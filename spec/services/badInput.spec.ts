import { ack, deadLetter, fromTopic, json, kafkajs, run, type SourceEvent, topic } from 'rxjs-kafka-toolkit'
import { type EsSearch, enrichFromInflux, postTo, searchEs, sendTo, zaddTo } from 'rxjs-kafka-toolkit/operators'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectionSettings } from '../../services/defaults.ts'
import { esClient, influxClient, redisClient } from './support/clients.ts'
import { kafkaClient, RealKafka } from './support/kafka.ts'
import { type Mail, mailServer } from './support/mailServer.ts'
import { type Note, type Pipe, Scene } from './support/scene.ts'
import type { Written } from './support/topicLog.ts'
import { until } from './support/until.ts'

const END = [10, 10]
const MEND = 'nothing from here on is committed. Mend the cause and start again, or say with onNack what to do'

let real: RealKafka
const redis = redisClient()
const es = esClient()
const endings: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  real = await RealKafka.connect()
})

afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

afterAll(async () => {
  await real.close()
  await redis.quit()
  await es.close()
})

/** Writes into sorted sets of its own. */
function toRedis(scoreOf: (note: Note) => number = ({ n }) => n): Pipe {
  const prefix = real.uniqueName('bad')
  endings.push(async () => redis.del(['user-0', 'user-1', 'user-2', 'bad'].map((user) => `${prefix}${user}`)))
  return (notes) =>
    notes.pipe(
      zaddTo(redis, (note) => ({ key: `${prefix}${note.user}`, score: scoreOf(note), member: String(note.n) })),
      ack(),
    )
}

/** Posts to a server that answers the bad note in its own way. */
async function toMail(statusOfBad: (tries: number) => number) {
  let tries = 0
  const isBad = ({ body }: Mail) => JSON.parse(body).user === 'bad'
  const server = await mailServer(0, (mail) => (isBad(mail) ? statusOfBad(++tries) : 202))
  endings.push(() => server.close())
  return {
    pipe: (notes) =>
      notes.pipe(
        postTo(server.url, (note) => note),
        ack(),
      ),
    mails: server.mails,
  } as {
    pipe: Pipe
    mails: readonly Mail[]
  }
}

describe('a message that fails for good', () => {
  interface Row {
    readonly what: string
    readonly bad?: Written['value']
    readonly pipe?: () => Pipe | Promise<Pipe>
    readonly says: string
  }

  const rows: readonly Row[] = [
    { what: 'undecodable bytes', bad: Buffer.from([0xff, 0xfe, 0x00]), says: 'Expected JSON, got "' },
    { what: 'no value', bad: null, says: 'Expected a value, got null (a tombstone); use tombstones(codec)' },
    { what: 'a missing field', bad: '{"n":11}', says: 'Expected string at user, got undefined' },
    { what: 'an ill-typed field', bad: '{"n":"11","user":"bad"}', says: 'Expected number at n, got "11"' },
    {
      what: 'a score that is not a number',
      pipe: () => toRedis(({ n, user }) => (user === 'bad' ? Number.NaN : n)),
      says: 'Expected the score of zaddTo to be a number other than NaN, got NaN; see to it in the selector',
    },
    { what: 'a Redis key of another type', pipe: wrongType, says: 'delete what is under that key' },
    { what: 'HTTP 400', pipe: async () => (await toMail(() => 400)).pipe, says: 'was answered with 400' },
  ]

  async function wrongType(): Promise<Pipe> {
    const key = real.uniqueName('bad')
    await redis.set(key, 'no sorted set')
    endings.push(() => redis.del([key, `${key}-good`]))
    const keyOf = ({ user }: Note) => (user === 'bad' ? key : `${key}-good`)
    return (notes) =>
      notes.pipe(
        zaddTo(redis, (note) => ({ key: keyOf(note), score: note.n, member: String(note.n) })),
        ack(),
      )
  }

  it.each(rows)(
    'stops the pipeline at its place, or becomes a dead letter, and no other is lost: $what',
    async (row) => {
      const scene = await Scene.make(real, row.bad)
      const pipe = await (row.pipe?.() ?? toRedis())

      const stopped = await scene.run(pipe)
      expect(stopped.error).toMatchObject({ name: 'MessageError', topic: scene.topic, partition: 1, offset: 5 })
      expect(stopped.error?.message).toContain(`Cannot process ${scene.place}: `)
      expect(stopped.error?.message).toContain(row.says)
      expect(stopped.error?.message).toContain(MEND)
      expect(actions(stopped.events)).toEqual(['stop'])
      const [, committed = 0] = await scene.committed()
      expect(committed).toBe(5)

      const { error, done, events } = await scene.run(pipe, { onNack: deadLetter(scene.deadTopic) })
      expect(error).toBeUndefined()
      expect(actions(events)).toEqual(['send'])
      expect(await scene.committed()).toEqual(END)
      // Those behind the bad one may have been done before it failed, and come again: at least once.
      expect(sorted([...new Set([...stopped.done, ...done])])).toEqual(scene.good)
      const letters = await scene.deadLetters()
      expect(letters).toHaveLength(1)
      expect(letters[0]?.value).toBe(row.bad === undefined ? '{"n":11,"user":"bad"}' : (row.bad?.toString() ?? null))
      expect(letters[0]?.headers).toMatchObject({
        'dlq.topic': scene.topic,
        'dlq.partition': '1',
        'dlq.offset': '5',
        'dlq.error.message': expect.stringContaining(row.says),
      })
    },
  )
})

describe('a set-up in which no message can succeed', () => {
  interface Row {
    readonly what: string
    /** Makes the pipe, and what mends it. */
    readonly make: () => Promise<{ readonly pipe: Pipe; mend(): Promise<Pipe> }>
    readonly says: string
  }

  const rows: readonly Row[] = [
    { what: 'a wrong InfluxDB token', make: wrongToken, says: 'give the client a token that may read the bucket' },
    { what: 'a missing index', make: missingIndex, says: 'create the index, or correct its name in the selector' },
    { what: 'a missing topic to send to', make: missingTarget, says: 'create it, or correct its name' },
  ]

  async function wrongToken() {
    const { influxOrg: org, influxBucket: bucket } = connectionSettings()
    const at = new Date()
    const asking =
      (token?: string): Pipe =>
      (notes) =>
        notes.pipe(
          enrichFromInflux(
            influxClient(token),
            ({ user }) => ({ measurement: 'none', field: 'price', tags: { user }, at }),
            { into: 'price', org, bucket },
          ),
          ack(),
        )
    return { pipe: asking('wrong'), mend: async () => asking() }
  }

  async function missingIndex() {
    const index = real.uniqueName('bad')
    const find = (): EsSearch => ({ index, query: { match_all: {} } })
    const pipe: Pipe = (notes) => notes.pipe(searchEs(es, find, { into: 'hit' }), ack())
    const mend = async () => {
      await es.indices.create({ index, settings: { number_of_replicas: 0 } })
      endings.push(() => es.indices.delete({ index }))
      return pipe
    }
    return { pipe, mend }
  }

  async function missingTarget() {
    const name = real.uniqueName('bad')
    const pipe: Pipe = (notes, kafka) =>
      notes.pipe(
        sendTo(kafka, topic(name, json<Note>()), (value: Note) => ({ key: null, value })),
        ack(),
      )
    return { pipe, mend: async () => real.createTopic(name, 1).then(() => pipe) }
  }

  it.each(rows)('errors in words, commits nothing, and after the mend nothing is lost: $what', async (row) => {
    const scene = await Scene.make(real)
    const { pipe, mend } = await row.make()

    const { error, done } = await scene.run(pipe, { onNack: deadLetter(scene.deadTopic) })
    expect(error).toMatchObject({ errorClass: 'fatal' })
    expect(error?.message).toContain(row.says)
    expect(error?.message).toMatch(new RegExp(`${scene.topic}\\[[01]\\]@\\d`))
    expect(done).toEqual([])
    expect(await scene.committed()).toEqual([0, 0])
    expect(await scene.deadLetters()).toEqual([])

    const mended = await scene.run(await mend())
    expect(mended.error).toBeUndefined()
    expect(sorted(mended.done)).toEqual(sorted([...scene.good, 11]))
    expect(await scene.committed()).toEqual(END)
  })

  it('errors in words: a topic that does not exist', async () => {
    const name = real.uniqueName('missing')
    const kafka = kafkajs(real.kafka)
    const running = run(kafka, fromTopic(kafka, topic(name, json()), { groupId: name }).pipe(ack()), { signals: false })
    const error: Error = await running.closed.then(
      () => expect.unreachable(),
      (error) => error,
    )
    expect(error).toMatchObject({ errorClass: 'fatal' })
    expect(error.message).toContain(name)
    expect(error.message).toContain('the topic does not exist; create it, or correct its name')
  })
})

describe('a failure that may pass', () => {
  it.each([429, 500])('is tried again until it has passed, and nobody hears of it: HTTP %i', async (status) => {
    const scene = await Scene.make(real)
    const { pipe, mails } = await toMail((tries) => (tries < 4 ? status : 202))
    const { error, done, events } = await scene.run(pipe)
    expect(error).toBeUndefined()
    expect(actions(events)).toEqual([])
    expect(sorted(done)).toEqual(sorted([...scene.good, 11]))
    expect(await scene.committed()).toEqual(END)
    const tries = mails.filter(({ body }) => JSON.parse(body).n === 11)
    expect(tries).toHaveLength(4)
    expect(new Set(tries.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
    expect(mails).toHaveLength(20 + 3)
  })

  it('is told as trouble while the broker can not be reached, and drain works', async () => {
    const kafka = kafkajs(kafkaClient({ brokers: ['127.0.0.1:1'], retry: { retries: 1, initialRetryTime: 50 } }))
    const notes = fromTopic(kafka, topic('none', json()), { groupId: 'none' })
    const running = run(kafka, notes.pipe(ack()), { signals: false })
    const events: SourceEvent[] = []
    running.events.subscribe((event) => events.push(event))
    const troubles = () => events.flatMap((event) => (event.type === 'trouble' ? [event.error] : []))
    await until('there is trouble twice', () => troubles().length > 1)
    expect(troubles()[0]).toMatchObject({ errorClass: 'transient' })
    expect(troubles()[0]?.message).toContain('ECONNREFUSED')
    expect(running.health()[0]).toMatchObject({ state: 'joining', trouble: troubles().at(-1) })
    await running.drain()
    expect(events.at(-1)).toMatchObject({ type: 'closed', unsettled: 0 })
  })
})

function actions(events: readonly SourceEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'nacked' ? [event.action] : []))
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b)
}

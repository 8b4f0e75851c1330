import { ack, deadLetter, fromTopic, json, kafkajs, run, type SourceEvent, topic } from 'rxjs-kafka-toolkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BadPipes, type BrokenPipe } from './support/badPipes.ts'
import { kafkaClient, RealKafka } from './support/kafka.ts'
import { type Pipe, Scene } from './support/scene.ts'
import type { Written } from './support/topicLog.ts'
import { until } from './support/until.ts'

const END = [10, 10]
const MEND = 'nothing from here on is committed. Mend the cause and start again, or say with onNack what to do'

let real: RealKafka
let pipes: BadPipes

beforeAll(async () => {
  real = await RealKafka.connect()
})

beforeEach(() => {
  pipes = new BadPipes(real)
})

afterEach(() => pipes.close())

afterAll(() => real.close())

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
      pipe: () => pipes.toRedis(({ n, user }) => (user === 'bad' ? Number.NaN : n)),
      says: 'Expected the score of zaddTo to be a number other than NaN, got NaN; see to it in the selector',
    },
    { what: 'a Redis key of another type', pipe: () => pipes.wrongType(), says: 'delete what is under that key' },
    { what: 'HTTP 400', pipe: async () => (await pipes.toMail(() => 400)).pipe, says: 'was answered with 400' },
  ]

  it.each(rows)(
    'stops the pipeline at its place, or becomes a dead letter, and no other is lost: $what',
    async (row) => {
      const scene = await Scene.make(real, row.bad)
      const pipe = await (row.pipe?.() ?? pipes.toRedis())

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
    readonly make: () => Promise<BrokenPipe>
    readonly says: string
  }

  const rows: readonly Row[] = [
    {
      what: 'a wrong InfluxDB token',
      make: () => pipes.wrongToken(),
      says: 'give the client a token that may read the bucket',
    },
    {
      what: 'a missing index',
      make: () => pipes.missingIndex(),
      says: 'create the index, or correct its name in the selector',
    },
    { what: 'a missing topic to send to', make: () => pipes.missingTopic(), says: 'create it, or correct its name' },
  ]

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
    const { pipe, mails } = await pipes.toMail((tries) => (tries < 4 ? status : 202))
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

import type { Client } from '@elastic/elasticsearch'
import type { Redis } from 'ioredis'
import { ack, json, topic } from 'rxjs-kafka-toolkit'
import { type EsSearch, enrichFromInflux, postTo, searchEs, sendTo, zaddTo } from 'rxjs-kafka-toolkit/operators'
import { connectionSettings } from '../../../services/defaults.ts'
import { esClient, influxClient, redisClient } from './clients.ts'
import type { RealKafka } from './kafka.ts'
import { type Mail, mailServer } from './mailServer.ts'
import type { Note, Pipe } from './scene.ts'

/** A pipe in which no message can succeed until it is mended. */
export interface BrokenPipe {
  readonly pipe: Pipe
  mend(): Promise<Pipe>
}

/** Pipes to real servers that refuse a message or all, and the end of what they use. */
export class BadPipes {
  private readonly real: RealKafka
  private readonly redis: Redis = redisClient()
  private readonly es: Client = esClient()
  private readonly endings: (() => Promise<unknown>)[] = []

  constructor(real: RealKafka) {
    this.real = real
  }

  /** Writes into sorted sets of its own. */
  toRedis(scoreOf: (note: Note) => number = ({ n }) => n): Pipe {
    const prefix = this.real.uniqueName('bad')
    this.endings.push(() => this.redis.del(['user-0', 'user-1', 'user-2', 'bad'].map((user) => `${prefix}${user}`)))
    return (notes) =>
      notes.pipe(
        zaddTo(this.redis, (note) => ({ key: `${prefix}${note.user}`, score: scoreOf(note), member: String(note.n) })),
        ack(),
      )
  }

  /** The bad note's sorted set is none. */
  async wrongType(): Promise<Pipe> {
    const key = this.real.uniqueName('bad')
    await this.redis.set(key, 'no sorted set')
    this.endings.push(() => this.redis.del([key, `${key}-good`]))
    const keyOf = ({ user }: Note) => (user === 'bad' ? key : `${key}-good`)
    return (notes) =>
      notes.pipe(
        zaddTo(this.redis, (note) => ({ key: keyOf(note), score: note.n, member: String(note.n) })),
        ack(),
      )
  }

  /** Posts to a server that answers the bad note in its own way. */
  async toMail(
    statusOfBad: (tries: number) => number,
  ): Promise<{ readonly pipe: Pipe; readonly mails: readonly Mail[] }> {
    let tries = 0
    const isBad = ({ body }: Mail) => JSON.parse(body).user === 'bad'
    const server = await mailServer(0, (mail) => (isBad(mail) ? statusOfBad(++tries) : 202))
    this.endings.push(() => server.close())
    const post = postTo<Note>(server.url, (note) => note)
    return { pipe: (notes) => notes.pipe(post, ack()), mails: server.mails }
  }

  async wrongToken(): Promise<BrokenPipe> {
    const { influxOrg: org, influxBucket: bucket } = connectionSettings()
    const options = { into: 'price', org, bucket } as const
    const lookup = ({ user }: Note) => ({ measurement: 'none', field: 'price', tags: { user }, at: new Date() })
    const asking =
      (token?: string): Pipe =>
      (notes) =>
        notes.pipe(enrichFromInflux(influxClient(token), lookup, options), ack())
    return { pipe: asking('wrong'), mend: async () => asking() }
  }

  async missingIndex(): Promise<BrokenPipe> {
    const index = this.real.uniqueName('bad')
    const find = (): EsSearch => ({ index, query: { match_all: {} } })
    const pipe: Pipe = (notes) => notes.pipe(searchEs(this.es, find, { into: 'hit' }), ack())
    const mend = async () => {
      await this.es.indices.create({ index, settings: { number_of_replicas: 0 } })
      this.endings.push(() => this.es.indices.delete({ index }))
      return pipe
    }
    return { pipe, mend }
  }

  async missingTopic(): Promise<BrokenPipe> {
    const name = this.real.uniqueName('bad')
    const target = topic(name, json<Note>())
    const outgoing = (value: Note) => ({ key: null, value })
    const pipe: Pipe = (notes, kafka) => notes.pipe(sendTo(kafka, target, outgoing), ack())
    return { pipe, mend: async () => this.real.createTopic(name, 1).then(() => pipe) }
  }

  async close(): Promise<void> {
    for (const end of this.endings) await end()
    await this.redis.quit()
    await this.es.close()
  }
}

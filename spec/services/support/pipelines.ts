import { type Observable, switchMap, timer } from 'rxjs'
import type { Broker } from 'rxjs-kafka-toolkit'
import type { EsLike, RedisLike } from 'rxjs-kafka-toolkit/operators'
import { answerSearches } from '../../../examples/answerSearches.ts'
import { checkOrderQuality } from '../../../examples/checkOrderQuality.ts'
import { confirmOrders } from '../../../examples/confirmOrders.ts'
import type { PipelineOptions } from '../../../examples/PipelineOptions.ts'
import { saveActivities } from '../../../examples/saveActivities.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { esClient, influxClient, redisClient } from './clients.ts'
import type { Example, Place } from './useCase.ts'

/** What a process is told to run. */
export interface Job {
  readonly example: Example
  readonly place: Place
  /** Goes to the example as it is. */
  readonly options: PipelineOptions
  /** ms by which requests to Redis and Elasticsearch are made to take longer, as a network would. */
  readonly latency: number
  /** Kills its own process, as `kill -9` does, at the first commit after so many acks. */
  readonly dieAfter?: number
}

/** An example's pipeline on real servers, and the end of its clients. */
export interface RealPipeline {
  readonly pipeline: Observable<unknown>
  close(): Promise<unknown>
}

/** Is told an effect that its server does not tell from its repetition, before it is sent. */
export type OnSend = (id: string) => void

type Maker = (kafka: Broker, job: Job, onSend?: OnSend) => RealPipeline

const makers: Readonly<Record<Example, Maker>> = {
  saveActivities: (kafka, { options, latency }, onSend) => {
    const redis = redisClient()
    const client = onSend === undefined ? redis : slowRedis(redis, latency, onSend)
    return { pipeline: saveActivities(kafka, client, options), close: () => redis.quit() }
  },
  confirmOrders: (kafka, { options, place }) => ({
    pipeline: confirmOrders(kafka, place.mailUrl as string, options),
    close: async () => {},
  }),
  checkOrderQuality: (kafka, { options, place }) => {
    const market = { ...options, org: connectionSettings().influxOrg, bucket: place.bucket as string }
    return { pipeline: checkOrderQuality(kafka, influxClient(), market), close: async () => {} }
  },
  answerSearches: (kafka, { options, latency }) => {
    const es = esClient()
    const client = latency === 0 ? es : slowEs(es, latency)
    return { pipeline: answerSearches(kafka, client, options), close: () => es.close() }
  },
}

export function realPipeline(kafka: Broker, job: Job, onSend?: OnSend): RealPipeline {
  return makers[job.example](kafka, job, onSend)
}

/** Tells the scores, which are unique. */
function slowRedis(redis: RedisLike, latency: number, onSend: OnSend): RedisLike {
  const tell = (commands: readonly (readonly (string | number)[])[]) => {
    for (const words of commands) for (let i = 2; i < words.length; i += 2) onSend(String(words[i]))
  }
  return {
    pipeline: (commands) => ({
      exec: () =>
        timer(latency).pipe(
          switchMap(() => {
            tell(commands)
            return redis.pipeline(commands).exec()
          }),
        ),
    }),
  }
}

function slowEs(es: EsLike, latency: number): EsLike {
  return { msearch: (params, options) => timer(latency).pipe(switchMap(() => es.msearch(params, options))) }
}

import type { Run } from '../../services/run.ts'
import type { Topic, Topics } from '../topics.ts'
import { esStage } from './es.ts'
import { influxStage } from './influx.ts'
import { postStage } from './post.ts'
import { redisStage } from './redis.ts'
import { topicsStage } from './topics.ts'

/** Where the work of a run goes: what a child has to know. */
export interface Place {
  readonly redisUrl: string
  readonly postUrl: string
  readonly influx: { readonly url: string; readonly bucket: string; readonly org: string; readonly token: string }
  readonly esUrl: string
  readonly index: string
  /** The module of @platformatic/kafka. */
  readonly platformatic: string
  /** Topics that are written. */
  readonly outs: readonly string[]
}

/** What stands behind a case, for all its runs on one topic. */
export interface Stage {
  readonly place: Partial<Place>
  /** @throws Error when a run did not do all the work, once for each message */
  expectDone(messages: number): Promise<void>
  close(): Promise<void>
}

/** What a stage is made with. */
export interface StageSet {
  readonly run: Run
  readonly topics: Topics
  readonly topic: Topic
  /** How many steps there are to the last time of its messages. */
  readonly instants: number
}

/** The stages by the names that the cases use. */
export const stages = {
  redis: redisStage,
  topic: (set) => topicsStage(set, ['out']),
  topics: (set) => topicsStage(set, ['out-1', 'out-2', 'out-3']),
  post: postStage,
  influx: influxStage,
  es: esStage,
  // The names are those of the examples.
  quality: (set) => both(influxStage(set), topicsStage(set, ['quality_topic'])),
  answers: (set) => both(esStage(set), topicsStage(set, ['top_results_topic'])),
} satisfies Record<string, (set: StageSet) => Promise<Stage>>

export type StageName = keyof typeof stages

async function both(...opening: Promise<Stage>[]): Promise<Stage> {
  const all = await Promise.all(opening)
  return {
    place: Object.assign({}, ...all.map(({ place }) => place)),
    expectDone: async (messages) => {
      for (const stage of all) await stage.expectDone(messages)
    },
    close: async () => {
      for (const stage of all) await stage.close()
    },
  }
}

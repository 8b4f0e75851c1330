import type { FetchLike } from 'rxjs-kafka-toolkit/operators'
import { type ExploreOptions, explore, type World } from 'rxjs-kafka-toolkit/testing'
import { describe, it } from 'vitest'
import { answerSearches } from '../../examples/answerSearches.ts'
import { checkOrderQuality } from '../../examples/checkOrderQuality.ts'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { saveActivities } from '../../examples/saveActivities.ts'
import { splitOrders } from '../../examples/splitOrders.ts'

const names = [...'abcdefgh']
/** In CI there are more. */
const runs = Number(process.env['RUNS'] ?? 100)

const valuesOf = <T>(of: (name: string, n: number) => T) =>
  Object.fromEntries(names.map((name, n) => [name, of(name, n)]))
const timestamp = (n: number) => new Date(Date.UTC(2026, 0, 5) + n).toISOString()

const activities = valuesOf((name, n) => ({ user: `user-${n % 3}`, message: name, timestamp: timestamp(n) }))
const orders = valuesOf((name, n) => ({
  id: name,
  user_id: `user-${n % 3}`,
  symbol: `SYM${n % 2}`,
  quantity: 50 + n * 40,
  timestamp: timestamp(n),
}))
const searches = valuesOf((name) => ({ query_string: `fox ${name}` }))

const topics =
  (...created: readonly string[]) =>
  ({ kafka }: World) => {
    for (const name of created) kafka.createTopic(name, 2)
  }

function lives<T>(options: Omit<ExploreOptions<T>, 'runs'>): ExploreOptions<T> {
  return { ...options, runs }
}

describe('nothing is lost, and each key keeps its order, in the lives of', () => {
  it(
    'saveActivities',
    explore(
      ({ kafka, redis }) => saveActivities(kafka, redis),
      lives({ topic: 'feed_activities', values: activities, key: ({ user }) => user }),
    ),
  )

  it(
    'confirmOrders',
    explore(
      ({ kafka, http }) => confirmOrders(kafka, 'http://emailer', { fetch: http.fetch as FetchLike }),
      lives({ topic: 'orders', values: orders, key: ({ user_id }) => user_id }),
    ),
  )

  it(
    'checkOrderQuality',
    explore(({ kafka, influx }) => checkOrderQuality(kafka, influx, { org: 'o', bucket: 'market' }), {
      ...lives({ topic: 'orders', values: orders, key: ({ id }) => id }),
      prepare: (world) => {
        topics('quality_topic')(world)
        const price = (n: number) => ({
          tags: { symbol: `SYM${n}` },
          fields: { price: 100 + n },
          at: new Date(timestamp(n)),
        })
        world.influx.write(
          'market',
          [price(0), price(1)].map((point) => ({ measurement: 'marketdata', ...point })),
        )
      },
    }),
  )

  it(
    'answerSearches',
    explore(({ kafka, es }) => answerSearches(kafka, es), {
      ...lives({ topic: 'search_queries', values: searches, key: ({ query_string }) => query_string.slice(-1) }),
      prepare: (world) => {
        topics('top_results_topic')(world)
        world.es.put('search_index', { fox: { text: 'a fox' }, b: { text: 'the fox b' } })
      },
    }),
  )

  it(
    'splitOrders',
    explore(
      ({ kafka }) => splitOrders(kafka),
      lives({ topic: 'orders', values: orders, key: ({ symbol }) => symbol, prepare: topics('lots', 'orders.failed') }),
    ),
  )
})

import { InfluxDB } from '@influxdata/influxdb-client'
import { isRight } from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import type { KafkaMessage } from 'kafkajs'
import { type Observable, tap } from 'rxjs'
import { Agent } from 'undici'
import { answerSearches } from '../../examples/answerSearches.ts'
import { checkOrderQuality } from '../../examples/checkOrderQuality.ts'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { DateFromISO } from '../../examples/DateFromISO.ts'
import { Order } from '../../examples/Order.ts'
import { saveActivities } from '../../examples/saveActivities.ts'
import { undiciFetch } from '../../examples/undiciFetch.ts'
import { type Broker, kafkajs, run } from '../../lib/index.ts'
import { expectPrice } from '../market.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, parsed, parts, pool } from './byHand.ts'
import { topHits, withEs } from './es.ts'
import { pricesBetween, queryApi } from './influx.ts'
import { mailOf, post } from './post.ts'
import { addAll, withRedis } from './redis.ts'
import { withProducer } from './send.ts'
import type { Input, Variant } from './variant.ts'

const Activity = t.type({ user: t.string, message: t.string, timestamp: DateFromISO })
const Search = t.type({ query_string: t.string })

/** Parses and checks, as the examples do. */
function decoded<A, O>(message: KafkaMessage, type: t.Type<A, O>): A {
  const result = type.decode(parsed(message))
  if (isRight(result)) return result.right
  throw new Error(`Expected ${type.name}, got ${message.value}`)
}

/** Runs one of the examples, and counts what comes out of it. */
async function example(pipeline: (broker: Broker) => Observable<unknown>, input: Input, meter: Meter): Promise<void> {
  const broker = kafkajs(input.kafka)
  const running = run(broker, pipeline(broker).pipe(tap(() => meter.count())))
  await Promise.race([meter.done, running.closed])
  await running.drain()
}

const optionsOf = ({ prefix, groupId }: Input) => ({ prefix, groupId })

/** `examples/saveActivities.ts`. */
export const save: Variant = (input, meter) =>
  withRedis(input, (redis) => example((broker) => saveActivities(broker, redis, optionsOf(input)), input, meter))

/** `examples/confirmOrders.ts`. */
export const confirm: Variant = (input, meter) =>
  example((broker) => confirmOrders(broker, input.place.postUrl, optionsOf(input)), input, meter)

/** The same by a pool of undici. */
export const confirmByUndici: Variant = async (input, meter) => {
  const agent = new Agent()
  const options = { ...optionsOf(input), fetch: undiciFetch(agent) }
  await example((broker) => confirmOrders(broker, input.place.postUrl, options), input, meter)
  await agent.close()
}

/** `examples/checkOrderQuality.ts`. */
export const quality: Variant = (input, meter) => {
  const { url, token, org, bucket } = input.place.influx
  const influx = new InfluxDB({ url, token })
  return example((broker) => checkOrderQuality(broker, influx, { ...optionsOf(input), org, bucket }), input, meter)
}

/** `examples/answerSearches.ts`. */
export const answer: Variant = (input, meter) =>
  withEs(input, (es) => example((broker) => answerSearches(broker, es, optionsOf(input)), input, meter))

/** By hand, as `zaddByHand`. */
export const saveByHand: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    eachBatchByHand(input, meter, async (messages) => {
      const entries = messages.map((message) => {
        const { user, message: member, timestamp } = decoded(message, Activity)
        return { key: input.prefix + user, score: timestamp.getTime(), member }
      })
      await Promise.all(parts(entries, 500).map((part) => addAll(redis, part, meter)))
    }),
  )

/** By hand, as `postByHand`. */
export const confirmByHand: Variant = (input, meter) =>
  eachBatchByHand(input, meter, (messages) =>
    pool(messages, 16, async (message) => {
      await post(input.place.postUrl, mailOf(decoded(message, Order)))
      meter.count()
    }),
  )

/** By hand, as `enrichByHand`, with a send for each query. */
export const qualityByHand: Variant = (input, meter) => {
  const influx = queryApi(input)
  const [topic = ''] = input.place.outs
  return withProducer(input.kafka, (producer) =>
    eachBatchByHand(input, meter, (messages) =>
      pool(parts(messages, 256), 2, async (part) => {
        const orders = part.map((message) => decoded(message, Order))
        const asked = orders.map(({ symbol, timestamp }) => ({ symbol, at: timestamp }))
        const prices = await pricesBetween(influx, input.place.influx.bucket, asked)
        const outgoing = orders.map((order, i) => {
          expectPrice(order, prices[i])
          return { key: order.id, value: JSON.stringify({ ...Order.encode(order), market_price: prices[i] ?? null }) }
        })
        await producer.send({ topic, messages: outgoing })
        for (const _ of part) meter.count()
      }),
    ),
  )
}

/** By hand, as `searchByHand`, with a send for each request. */
export const answerByHand: Variant = (input, meter) => {
  const {
    index,
    outs: [topic = ''],
  } = input.place
  return withEs(input, (es) =>
    withProducer(input.kafka, (producer) =>
      eachBatchByHand(input, meter, (messages) =>
        pool(parts(messages, 64), 2, async (part) => {
          const searches = part.map((message) => decoded(message, Search))
          const hits = await topHits(es, index, searches)
          const outgoing = searches.map((search, i) => ({
            key: hits[i]?._id ?? null,
            value: JSON.stringify({ ...search, top_result: hits[i] ?? null }),
          }))
          await producer.send({ topic, messages: outgoing })
          for (const _ of part) meter.count()
        }),
      ),
    ),
  )
}

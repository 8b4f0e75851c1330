import type { Load } from '../load.ts'
import type { Case } from './case.ts'
import { ofTheRate } from './consume.ts'

const load: Load = { kind: 'orders', partitions: 4, warmUp: 10_000, messages: 20_000 }
const DECODE = 'Both sides decode and check with the same io-ts type; Faust with a `Record`. '

/** The four examples, end to end. */
export const useCases: readonly Case[] = [
  {
    name: 'saveActivities',
    title: 'Activities into sorted sets of Redis, end to end',
    overKafka: true,
    stage: 'redis',
    load: { ...load, kind: 'feed_activities', warmUp: 60_000, messages: 240_000 },
    note: `${DECODE}By hand: as the case zaddTo. Faust: \`take(100)\` and a pipeline.`,
    rows: [
      { variant: 'saveByHand', title: '`eachBatch` by hand, pipelines of 500' },
      { variant: 'save', title: '`saveActivities`', aim: ofTheRate(0.85) },
      {
        variant: 'faustSave',
        title: 'Faust, `take(100)` and a pipeline',
        load: { warmUp: 2000, messages: 20_000 },
        isFull: true,
      },
    ],
  },
  {
    name: 'confirmOrders',
    title: 'A POST for each order, end to end',
    overKafka: true,
    stage: 'post',
    load,
    note:
      `${DECODE}By hand: 16 requests under way, whatever their keys. Ours: 16, those of one key one after the other, each ` +
      'with an Idempotency-Key. Faust: 50 actors, without an order.',
    rows: [
      { variant: 'confirmByHand', title: '`eachBatch` by hand, 16 under way' },
      { variant: 'confirm', title: '`confirmOrders`', aim: ofTheRate(0.9) },
      { variant: 'confirmByUndici', title: '`confirmOrders` with `undiciFetch`', aim: ofTheRate(0.9) },
      { variant: 'faustConfirm', title: 'Faust, 50 actors', load: { warmUp: 1000, messages: 5000 }, isFull: true },
    ],
  },
  {
    name: 'checkOrderQuality',
    title: 'A price of InfluxDB beside each order, Kafka to Kafka, end to end',
    overKafka: true,
    stage: 'quality',
    load,
    note: `${DECODE}By hand: as the case enrichFromInflux, and a send for each 256. Faust: 50 actors with a query each.`,
    rows: [
      { variant: 'qualityByHand', title: '`eachBatch` by hand, a query for each 256' },
      { variant: 'quality', title: '`checkOrderQuality`', aim: ofTheRate(0.9) },
      { variant: 'faustQuality', title: 'Faust, 50 actors', load: { warmUp: 500, messages: 2000 }, isFull: true },
    ],
  },
  {
    name: 'answerSearches',
    title: 'The top hit of Elasticsearch beside each search, Kafka to Kafka, end to end',
    overKafka: true,
    stage: 'answers',
    load: { ...load, kind: 'search_queries' },
    note: `${DECODE}By hand: as the case searchEs, and a send for each 64. Faust: 50 actors with a search each.`,
    rows: [
      { variant: 'answerByHand', title: '`eachBatch` by hand, an `_msearch` for each 64' },
      { variant: 'answer', title: '`answerSearches`', aim: ofTheRate(0.9) },
      { variant: 'faustAnswer', title: 'Faust, 50 actors', load: { warmUp: 500, messages: 2000 }, isFull: true },
    ],
  },
]

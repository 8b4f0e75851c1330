import { SPAN } from '../messages.ts'
import type { Case } from './case.ts'
import { ofTheRate, orders } from './consume.ts'

/** Instants all over the time that has prices. */
const SCATTERED = { warmUp: 1000, messages: 5000, times: SPAN }

/** Each operator against the same work by hand, with the same client. */
export const operators: readonly Case[] = [
  {
    name: 'zaddTo',
    title: '`zaddTo`: a member of a sorted set for each message, over Kafka and Redis',
    isShort: true,
    overKafka: true,
    stage: 'redis',
    load: { ...orders, warmUp: 50_000, messages: 200_000 },
    note:
      'By hand: one pipeline for each 500 messages of a fetched batch, with one ZADD a key, all pipelines of the batch ' +
      'under way at once; ioredis and Redis keep them in order, unless one has to be tried again. Ours has a key in one ' +
      'pipeline under way, and nearly all keys of a partition are in each: 1.5 are under way on average, 8.3 by hand.',
    rows: [
      { variant: 'zaddByHand', title: '`eachBatch` by hand, pipelines of 500' },
      { variant: 'zadd', title: '`zaddTo`, `ack`', aim: ofTheRate(0.85) },
      {
        variant: 'zaddEachMessage',
        title: '`eachMessage`, one ZADD awaited',
        load: { warmUp: 5000, messages: 20_000 },
      },
    ],
  },
  {
    name: 'sendTo',
    title: '`sendTo`: a message for each message, Kafka to Kafka',
    isShort: true,
    overKafka: true,
    stage: 'topic',
    load: { ...orders, warmUp: 40_000, messages: 120_000 },
    note:
      'By hand: one `producer.send` for each fetched batch; in the second row with headers and timestamp of the message ' +
      'that it came from, which ours keeps too and KafkaJS takes its time to write. All replicas acknowledge on all sides.',
    rows: [
      { variant: 'sendByHand', title: '`eachBatch` by hand, a send a batch' },
      { variant: 'sendWholeByHand', title: "the same with the message's headers and timestamp" },
      { variant: 'send', title: '`sendTo`, `ack`', aim: ofTheRate(0.85) },
      { variant: 'sendEachMessage', title: '`eachMessage`, one send awaited', load: { warmUp: 1000, messages: 5000 } },
    ],
  },
  {
    name: 'postTo',
    title: '`postTo`: a POST for each message, over Kafka and HTTP',
    isShort: true,
    overKafka: true,
    stage: 'post',
    load: { ...orders, warmUp: 10_000, messages: 20_000 },
    note:
      'By hand: 16 requests of a fetched batch under way, whatever their keys, without Idempotency-Key and without a ' +
      'time limit; in the second row with both. Ours: 16, those of one key one after the other, each with both. All by ' +
      'cross-fetch. The server answers at once, so that CPU is the limit. What ours adds is what node-fetch does with a ' +
      "signal and one header more, RxJS's subscribers, and the bookkeeping of a request of one message.",
    rows: [
      { variant: 'postByHand', title: '`eachBatch` by hand, 16 under way' },
      { variant: 'postSafelyByHand', title: 'the same with a time limit and an Idempotency-Key' },
      { variant: 'posted', title: '`postTo`, `ack`', aim: ofTheRate(0.9) },
      { variant: 'postEachMessage', title: '`eachMessage`, one POST awaited', load: { warmUp: 1000, messages: 5000 } },
    ],
  },
  {
    name: 'enrichFromInflux',
    title: '`enrichFromInflux`: a price for each message, over Kafka and InfluxDB',
    isShort: true,
    overKafka: true,
    stage: 'influx',
    load: { ...orders, warmUp: 10_000, messages: 30_000 },
    note:
      'A price of each of 100 symbols every 10 s, orders every 100 ms. By hand, for instants in order: a query for each ' +
      '256 look-ups, of the last prices before the first instant and of all until the last; for scattered ones: for each ' +
      '64 a query with a `last()` for each. Two queries under way. What takes the time is InfluxDB.',
    rows: [
      { variant: 'enrichByHand', title: '`eachBatch` by hand, a query for each 256', under: 'in order' },
      { variant: 'enrich', title: '`enrichFromInflux`, `ack`', under: 'in order', aim: ofTheRate(0.9) },
      {
        variant: 'enrichEachMessage',
        title: '`eachMessage`, one query awaited',
        under: 'in order',
        load: { warmUp: 50, messages: 300 },
      },
      {
        variant: 'enrichEachByHand',
        title: '`eachBatch` by hand, a query for each 64',
        under: 'scattered',
        load: SCATTERED,
      },
      {
        variant: 'enrich',
        title: '`enrichFromInflux`, `ack`',
        under: 'scattered',
        load: SCATTERED,
        aim: ofTheRate(0.9),
      },
    ],
  },
  {
    name: 'cache',
    title: '`enrichFromInflux` with a cache: a thousand look-ups again and again, over Kafka and InfluxDB',
    isShort: true,
    overKafka: true,
    stage: 'influx',
    load: { ...orders, warmUp: 10_000, messages: 30_000 },
    note:
      'Ten instants of each of 100 symbols. By hand: as above, without a cache. What is saved is InfluxDB, and would be ' +
      'by a cache of whoever writes one.',
    rows: [
      { variant: 'enrichAgainByHand', title: '`eachBatch` by hand, a query for each 256' },
      {
        variant: 'enrichKept',
        title: '`enrichFromInflux` with `cache`, warm, `ack`',
        aim: ofTheRate(5),
        load: { warmUp: 20_000, messages: 200_000 },
      },
    ],
  },
  {
    name: 'searchEs',
    title: '`searchEs`: the top hit for each message, over Kafka and Elasticsearch',
    isShort: true,
    overKafka: true,
    stage: 'es',
    load: { ...orders, kind: 'search_queries', warmUp: 8000, messages: 20_000 },
    note:
      'By hand: an `_msearch` for each 64, two of them under way; in the second row with what makes an answer the same ' +
      'each time: of equal scores the first written counts, which Elasticsearch has to sort by, and no shard may be left out. Ours asks for both.',
    rows: [
      { variant: 'searchByHand', title: '`eachBatch` by hand, an `_msearch` for each 64' },
      { variant: 'searchSafelyByHand', title: 'the same with ties broken and whole answers only' },
      { variant: 'searched', title: '`searchEs`, `ack`', aim: ofTheRate(0.9) },
      {
        variant: 'searchEachMessage',
        title: '`eachMessage`, one search awaited',
        load: { warmUp: 100, messages: 1000 },
      },
    ],
  },
  {
    name: 'fork',
    title: '`fork`: each message to three topics, Kafka to Kafka',
    overKafka: true,
    stage: 'topics',
    load: { ...orders, warmUp: 10_000, messages: 50_000 },
    note: 'By hand: one `producer.sendBatch` to the three topics for each fetched batch. Ours: `fork` of three `sendTo`.',
    rows: [
      { variant: 'fanOutByHand', title: '`eachBatch` by hand, a `sendBatch` a batch' },
      { variant: 'fanOut', title: '`fork(sendTo, sendTo, sendTo)`, `ack`' },
    ],
  },
]

import type { Case } from './case.ts'
import { ofTheRate, orders } from './consume.ts'

/** Each operator against the same work by hand, with the same client. */
export const operators: readonly Case[] = [
  {
    name: 'zaddTo',
    title: '`zaddTo`: a member of a sorted set for each message, over Kafka and Redis',
    isShort: true,
    overKafka: true,
    stage: 'redis',
    load: { ...orders, warmUp: 20_000, messages: 100_000 },
    note:
      'By hand: one pipeline for each 500 messages of a fetched batch, with one ZADD a key, all pipelines of the batch ' +
      'under way at once; ioredis and Redis keep them in order.',
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
    load: { ...orders, warmUp: 20_000, messages: 100_000 },
    note: 'By hand: one `producer.send` for each fetched batch. All replicas acknowledge on both sides.',
    rows: [
      { variant: 'sendByHand', title: '`eachBatch` by hand, a send a batch' },
      { variant: 'send', title: '`sendTo`, `ack`', aim: ofTheRate(0.85) },
      { variant: 'sendEachMessage', title: '`eachMessage`, one send awaited', load: { warmUp: 1000, messages: 5000 } },
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

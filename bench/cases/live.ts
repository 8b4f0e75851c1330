import type { Load } from '../load.ts'
import type { Case } from './case.ts'
import { orders } from './consume.ts'

/** Messages that are sent while they are read. */
const steady: Load = { kind: 'orders', partitions: 4, rate: 1000, warmUp: 5000, messages: 60_000 }

/** What is not a matter of messages a second. */
export const live: readonly Case[] = [
  {
    name: 'steady',
    title: '1,000 messages a second for a minute: decode, map, filter, commit',
    overKafka: true,
    load: steady,
    columns: ['core', 'p50', 'p99', 'longest', 'rss'],
    note: 'Latency from the instant that a message was due to be sent to the work on it.',
    rows: [
      { variant: 'eachBatch', title: 'KafkaJS `eachBatch` by hand, a commit a batch' },
      { variant: 'values', title: '`mapValue`, `filterValue`, `ack`' },
      { variant: 'eachMessage', title: 'KafkaJS `eachMessage`, autoCommit' },
      {
        variant: 'platformatic',
        title: '@platformatic/kafka, a stream, which commits each second what it has handed out',
        isFull: true,
      },
      { variant: 'faustConsume', title: 'Faust, an agent with a filter', isFull: true },
    ],
  },
  {
    name: 'slow',
    title: 'One message of a hundred takes 500 ms, 1,000 messages a second',
    overKafka: true,
    load: { ...steady, warmUp: 3000, messages: 20_000 },
    columns: ['p50', 'p99', 'longest', 'lag', 'core'],
    note:
      'Latency to the end of the work; commit lag is what a crash at the worst instant would have repeated. By hand all ' +
      'of a fetched batch is under way at once, and the next one waits for the slowest. Ours commits the low watermark ' +
      'each second: the oldest slow message holds it.',
    rows: [
      { variant: 'slowByHand', title: '`eachBatch` by hand, a batch at once' },
      { variant: 'slowAnyOrder', title: '`perMessage(mergeMap)`, 100 at once, any order' },
      { variant: 'slowByKey', title: '`perMessage(mergeMap)`, 100 at once, a key in order' },
      {
        variant: 'slowEachMessage',
        title: '`eachMessage`, 4 partitions at once',
        load: { rate: 200, warmUp: 600, messages: 4000 },
      },
    ],
  },
  {
    name: 'rebalance',
    title: 'A second member joins and leaves, 1,000 messages a second',
    overKafka: true,
    load: { ...steady, warmUp: 3000, messages: 20_000 },
    columns: ['longest', 'p99', 'p50'],
    note: 'The longest latency is the pause: a message that was due at its beginning waits for all of it.',
    rows: [
      { variant: 'rebalanceByHand', title: '`eachBatch` by hand, a commit a batch' },
      { variant: 'rebalance', title: '`mapValue`, `ack`' },
    ],
  },
  {
    name: 'first',
    title: 'From the start of the process to the first message',
    overKafka: true,
    load: { ...orders, warmUp: 100, messages: 1000 },
    columns: ['first', 'rss'],
    note: 'With Node, the packages, connections and the join of a new group.',
    rows: [
      { variant: 'eachBatch', title: 'KafkaJS `eachBatch` by hand' },
      { variant: 'values', title: '`mapValue`, `filterValue`, `ack`' },
      { variant: 'platformatic', title: '@platformatic/kafka, a stream', isFull: true },
      { variant: 'faustConsume', title: 'Faust, an agent', isFull: true },
    ],
  },
  {
    name: 'drain',
    title: 'An end in the middle of a full topic; a message takes 10 ms, 16 at once',
    overKafka: true,
    load: { ...orders, warmUp: 1000, messages: 9000 },
    columns: ['drain', 'handled'],
    note:
      'All that was handled must be committed then, and nothing else. By hand: no further part of the batch is begun, ' +
      'and what was done of it is committed. Ours settles what is in flight, up to `maxInFlight` of each partition.',
    rows: [
      { variant: 'drainByHand', title: '`eachBatch` by hand, parts of 16, `isRunning` before each' },
      { variant: 'drainOurs', title: '`perMessage(mergeMap)`, `maxInFlight` 100', setting: 100 },
      { variant: 'drainOurs', title: '`perMessage(mergeMap)`, `maxInFlight` 1,000', setting: 1000 },
    ],
  },
  {
    name: 'loop',
    title: 'How late the event loop comes under load',
    overKafka: true,
    // Of a shorter run, the 99th percentile is its one longest pause.
    load: { ...orders, messages: 1_900_000 },
    columns: ['loop', 'loopMost', 'rate'],
    note: 'By `monitorEventLoopDelay`, while messages are read as fast as they can be.',
    rows: [
      { variant: 'eachBatch', title: 'KafkaJS `eachBatch` by hand, a commit a batch' },
      { variant: 'values', title: '`mapValue`, `filterValue`, `ack`', aim: { metric: 'loop', most: 20 } },
      { variant: 'chains', title: '`perMessage(map)`, `perMessage(filter)`, `ack`', aim: { metric: 'loop', most: 20 } },
      { variant: 'batches', title: '`perBatch(500, repeats)`, `ack`', aim: { metric: 'loop', most: 20 } },
    ],
  },
  {
    name: 'endless',
    title: 'The memory of 10 million messages: decode, map, filter, commit',
    overKafka: true,
    load: { ...orders, warmUp: 500_000, messages: 9_500_000 },
    columns: ['growth', 'rss', 'rate'],
    note: 'RSS over the last fifth of the messages against that over the second fifth, medians.',
    rows: [
      { variant: 'eachBatch', title: 'KafkaJS `eachBatch` by hand, a commit a batch' },
      { variant: 'values', title: '`mapValue`, `filterValue`, `ack`', aim: { metric: 'growth', most: 1.1 } },
    ],
  },
]

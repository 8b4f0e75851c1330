import type { Load } from '../load.ts'
import type { Aim, Case, Row } from './case.ts'

/** What most cases read. */
export const orders: Load = { kind: 'orders', partitions: 4, warmUp: 100_000, messages: 400_000 }

/** A rate of so much of the reference's at least. */
export const ofTheRate = (least: number): Aim => ({ metric: 'rate', ratio: true, least })

const BY_HAND = 'KafkaJS `eachBatch` by hand, a commit a batch'
const OURS = '`mapValue`, `filterValue`, `ack`'

/** The two that most cases compare. */
const pair = (under: string, load: Partial<Load>): [Row, Row] => [
  { variant: 'eachBatch', title: BY_HAND, under, load },
  { variant: 'values', title: OURS, under, load },
]

/** Reading alone: decode, map, filter, commit. */
export const consume: readonly Case[] = [
  {
    name: 'consume',
    title: 'Decode, map, filter, commit, over Kafka',
    isShort: true,
    overKafka: true,
    load: orders,
    note:
      'KafkaJS itself and `JSON.parse` are nearly all of the reference. `perMessage` subscribes a chain of RxJS for ' +
      'each message: most of what it adds are the subscribers that RxJS makes and takes down.',
    rows: [
      { variant: 'eachBatch', title: BY_HAND },
      { variant: 'values', title: OURS, aim: ofTheRate(0.97) },
      { variant: 'chains', title: '`perMessage(map)`, `perMessage(filter)`, `ack`', aim: ofTheRate(0.65) },
      { variant: 'eachMessage', title: 'KafkaJS `eachMessage`, autoCommit' },
      {
        variant: 'platformatic',
        title: '@platformatic/kafka, a stream, which commits each second what it has handed out',
        isFull: true,
      },
      {
        variant: 'faustConsume',
        title: 'Faust, an agent with a filter, uvloop and Cython',
        load: { warmUp: 5000, messages: 50_000 },
        isFull: true,
      },
    ],
  },
  {
    name: 'batch',
    title: '500 messages a call of a sink that answers at once, over Kafka',
    overKafka: true,
    load: orders,
    note:
      'What `perBatch` adds is spread over its bookkeeping for each message: an entry, its lane, its outcome and a view ' +
      'with the new value. The sink answers at once, so that no wait hides it.',
    rows: [
      { variant: 'batchesByHand', title: 'KafkaJS `eachBatch` by hand, in parts of 500' },
      { variant: 'batches', title: '`perBatch(500, repeats)`, `ack`', aim: ofTheRate(0.95) },
      { variant: 'distinctBatches', title: '`perBatch(500)`, `ack`: a key once a batch, of 1,000 keys' },
    ],
  },
  {
    name: 'memory',
    title: 'The pipe alone, over `memoryBroker`',
    overKafka: false,
    load: orders,
    note: 'What a row has over the loop is the cost of the pipe; `ack` only leaves out map and filter.',
    rows: [
      { variant: 'loop', title: 'a loop by hand: `JSON.parse`, map, filter' },
      { variant: 'memoryBare', title: '`ack` only' },
      { variant: 'memoryValues', title: '`mapValue`, `filterValue`, `ack`' },
      { variant: 'memoryChains', title: '`perMessage(map)`, `perMessage(filter)`, `ack`' },
      { variant: 'memoryBatches', title: '`perBatch(500, repeats)`, `ack`' },
    ],
  },
  {
    name: 'in-flight',
    title: 'The cost of messages in flight, acked out of order',
    isShort: true,
    overKafka: true,
    load: orders,
    columns: ['rate', 'cpu', 'rss'],
    note:
      'Half to all of so many messages are held, and the older half is acked in a shuffled order as soon as the younger ' +
      'is full. The reference holds the fewest. What rises with 10,000 is the collector of garbage: values that ' +
      'outlive a young generation are copied.',
    rows: [10, 100, 1000, 10_000].map(
      (setting): Row => ({
        variant: 'held',
        title: `${setting.toLocaleString('en')} in flight`,
        setting,
        ...(setting === 10 ? {} : { aim: { metric: 'cpu', ratio: true, most: 1.15 } }),
      }),
    ) as [Row, ...Row[]],
  },
  {
    name: 'partitions',
    title: 'Partitions: decode, map, filter, commit',
    overKafka: true,
    load: orders,
    note: 'Against `eachBatch` by hand on the same topic.',
    rows: [1, 4, 64].flatMap((partitions) =>
      pair(`${partitions} partition${partitions === 1 ? '' : 's'}`, { partitions }),
    ) as [Row, ...Row[]],
  },
  {
    name: 'sizes',
    title: 'Sizes of a message: decode, map, filter, commit',
    overKafka: true,
    load: orders,
    note: 'Against `eachBatch` by hand on the same topic.',
    rows: [
      ...pair('100 B', {}),
      ...pair('1 KB', { bytes: 1000, warmUp: 20_000, messages: 100_000 }),
      ...pair('100 KB', { bytes: 100_000, warmUp: 500, messages: 2000 }),
    ],
  },
  {
    name: 'hot-key',
    title: 'Half of the messages have one key: 500 a call of a sink that answers at once',
    overKafka: true,
    load: { ...orders, hot: 0.5 },
    note:
      'The partition of the hot key has more than half of the messages, so that all variants lose some. Where a server ' +
      'does not apply a batch in order, a key can be in one batch in flight once: its messages go one a batch.',
    rows: [
      { variant: 'batchesByHand', title: 'KafkaJS `eachBatch` by hand, in parts of 500' },
      { variant: 'batches', title: '`perBatch(500, repeats)`, `ack`' },
      {
        variant: 'distinctBatches',
        title: '`perBatch(500)`, `ack`: a key once a batch',
        load: { warmUp: 5000, messages: 20_000 },
      },
    ],
  },
]

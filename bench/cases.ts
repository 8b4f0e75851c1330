import type { VariantName } from './variants/variants.ts'

/** A variant as the table shows it. */
export interface Row {
  readonly variant: VariantName
  readonly title: string
  /** The least ratio of the rate, against the reference, that we want. */
  readonly aim?: number
}

/** Variants of the same work; the first is the reference. */
export interface Case {
  readonly name: string
  readonly title: string
  readonly overKafka: boolean
  /** Where the time goes. */
  readonly note: string
  readonly rows: readonly [Row, ...Row[]]
}

/** What `npm run bench` measures. */
export const cases: readonly Case[] = [
  {
    name: 'consume',
    title: 'Decode, map, filter, commit, over Kafka',
    overKafka: true,
    note:
      'KafkaJS itself and `JSON.parse` are nearly all of the reference. `perMessage` subscribes a chain of RxJS for ' +
      'each message: most of what it adds are the subscribers that RxJS makes and takes down.',
    rows: [
      { variant: 'eachBatch', title: 'KafkaJS `eachBatch` by hand, a commit a batch' },
      { variant: 'values', title: '`mapValue`, `filterValue`, `ack`', aim: 0.88 },
      { variant: 'chains', title: '`perMessage(map)`, `perMessage(filter)`, `ack`', aim: 0.55 },
      { variant: 'eachMessage', title: 'KafkaJS `eachMessage`, autoCommit' },
    ],
  },
  {
    name: 'batch',
    title: '500 messages a call of a sink that answers at once, over Kafka',
    overKafka: true,
    note:
      'What `perBatch` adds is spread over its bookkeeping for each message: an entry, its lane, its outcome and a view ' +
      'with the new value. The sink answers at once, so that no wait hides it.',
    rows: [
      { variant: 'batchesByHand', title: 'KafkaJS `eachBatch` by hand, in parts of 500' },
      { variant: 'batches', title: '`perBatch(500, repeats)`, `ack`', aim: 0.95 },
      { variant: 'distinctBatches', title: '`perBatch(500)`, `ack`: a key once a batch, of 1,000 keys' },
    ],
  },
  {
    name: 'memory',
    title: 'The pipe alone, over `memoryBroker`',
    overKafka: false,
    note: 'What a row has over the loop is the cost of the pipe; `ack` only leaves out map and filter.',
    rows: [
      { variant: 'loop', title: 'a loop by hand: `JSON.parse`, map, filter' },
      { variant: 'memoryBare', title: '`ack` only' },
      { variant: 'memoryValues', title: '`mapValue`, `filterValue`, `ack`' },
      { variant: 'memoryChains', title: '`perMessage(map)`, `perMessage(filter)`, `ack`' },
      { variant: 'memoryBatches', title: '`perBatch(500, repeats)`, `ack`' },
    ],
  },
]

import type {
  AssignedPartition,
  ConsumerHandler,
  LogRange,
  Position,
  RawMessage,
  TopicPartition,
} from '../../lib/broker.ts'
import type {
  AdminClient,
  ClusterClient,
  ConsumerClient,
  ConsumerConfig,
  CoordinatorClient,
  EachBatch,
  KafkaClient,
  ProducerClient,
  RunConfig,
} from '../../lib/kafkajs/client.ts'
import type { FetchResponse, FindingCluster } from '../../lib/kafkajs/fetches.ts'

const PLACE: TopicPartition = { topic: 'numbers', partition: 0 }

/** A KafkaJS of one consumer, that does only what a spec tells it to, in the order in which KafkaJS does it. */
export class HandKafka implements KafkaClient {
  /** Every call of the consumer, in order, in words. */
  readonly calls: string[] = []
  config!: ConsumerConfig
  cluster!: ClusterClient & FindingCluster
  /** Whether the admin client answers only when a spec calls one of {@link HandKafka.answers}. */
  holdsAnswers = false
  readonly answers: (() => void)[] = []
  /** What the next questions to the admin client, or for the coordinator, are refused with. */
  readonly refusals: Error[] = []
  /** Whether the broker no longer counts the member in. */
  isUnknown = false
  /** Fulfils `connect`, where a spec wants it to take its time. */
  connected: Promise<void> = Promise.resolve()
  /** The first and the last offset of the logs. */
  log = { low: 0, high: 100 }
  private runs!: RunConfig
  private answer!: FetchResponse['responses'][number]
  private coordinator!: HandCoordinator
  private readonly listeners = new Map<string, (event: { payload: unknown }) => void>()

  consumer(config: ConsumerConfig): ConsumerClient {
    this.config = config
    this.cluster = newCluster(
      (offset) => this.calls.push(`offsetCommit ${offset}`),
      () => this.refused(),
    )
    this.cluster.findBroker = async () => ({ fetch: async () => ({ responses: [this.answer] }) })
    for (const assigner of config.partitionAssigners) assigner({ cluster: this.cluster })
    const note = (call: string) => this.calls.push(call)
    const event = (name: string) => name
    return {
      events: {
        GROUP_JOIN: event('join'),
        CRASH: event('crash'),
        FETCH_START: 'fetch',
        HEARTBEAT: event('heartbeat'),
        RECEIVED_UNSUBSCRIBED_TOPICS: event('unsubscribed'),
        REQUEST: 'request',
      },
      connect: () => this.connected,
      disconnect: async () => void note('disconnect'),
      subscribe: async () => {},
      run: async (config) => {
        this.runs = config
        note('run')
      },
      commitOffsets: async (offsets) => void note(`commitOffsets ${offsets.map(({ offset }) => offset)}`),
      seek: ({ partition, offset }) => void note(`seek ${partition}@${offset}`),
      pause: ([one]) => void note(`pause ${one?.partitions}`),
      resume: ([one]) => void note(`resume ${one?.partitions}`),
      on: (event, listener) => this.listeners.set(event, listener),
    }
  }

  admin(): AdminClient {
    const answer = <T>(value: T): Promise<T> =>
      this.holdsAnswers ? new Promise((resolve) => this.answers.push(() => resolve(value))) : Promise.resolve(value)
    return {
      connect: async () => {},
      disconnect: async () => {},
      fetchOffsets: async () => [{ topic: 'numbers', partitions: [] }],
      fetchTopicOffsetsByTimestamp: async () => [0, 1].map((partition) => ({ partition, offset: `${this.log.high}` })),
      fetchTopicOffsets: async () =>
        this.refused() ??
        answer([0, 1].map((partition) => ({ partition, low: `${this.log.low}`, high: `${this.log.high}` }))),
    }
  }

  producer(): ProducerClient {
    throw new Error('Cannot produce: this Kafka only reads')
  }

  /** Throws the next refusal, if there is one. */
  private refused(): undefined {
    const refusal = this.refusals.shift()
    if (refusal !== undefined) throw refusal
    return undefined
  }

  // What a spec tells it to do

  /** Fails at the last step of a join; KafkaJS then goes on fetching what it had. */
  async failSync(): Promise<void> {
    const coordinator: HandCoordinator = await this.cluster.findGroupCoordinator({ groupId: 'group' })
    await coordinator.joinGroup?.({})
    await coordinator.syncGroup?.({}).catch(() => {})
  }

  /** Finds that the offset to read from is not in the log, and commits another one as KafkaJS does then. */
  async reset(): Promise<void> {
    const offset = this.cluster.defaultOffset({ fromBeginning: true })
    await this.coordinator.offsetCommit?.({ topics: [{ topic: 'numbers', partitions: [{ partition: 0, offset }] }] })
  }

  emit(event: 'join' | 'crash' | 'heartbeat' | 'unsubscribed', payload: unknown): void {
    this.listeners.get(event)?.({ payload })
  }

  /** Joins, as KafkaJS does: finds the coordinator, then tells of the assignment. */
  async join(partitions: readonly number[] = [0], memberId = 'member'): Promise<void> {
    this.coordinator = await this.cluster.findGroupCoordinator({ groupId: 'group' })
    this.emit('join', { memberId, memberAssignment: { numbers: partitions } })
    await settled()
  }

  /** Fetches what has nothing to see, from one offset on: control records. */
  async fetchNothing(first: number, count: number): Promise<void> {
    const control = (offset: number) => ({ offset: `${offset}`, key: null, isControlRecord: true })
    const messages = Array.from({ length: count }, (_, i) => control(first + i))
    this.answer = { topicName: 'numbers', partitions: [{ partition: 0, highWatermark: '100', messages }] }
    const broker = await this.cluster.findBroker?.({ nodeId: '1' })
    const partitions = [{ partition: 0, fetchOffset: `${first}` }]
    await broker?.fetch?.({ maxBytes: 1_000_000, topics: [{ topic: 'numbers', partitions }] })
  }

  /** Hands a batch over, from one offset on. */
  async batch(first: number, count: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, i) => {
      return { offset: String(first + i), timestamp: '0', key: null, value: Buffer.from(String(first + i)) }
    })
    const last = String(first + count - 1)
    const payload: EachBatch = {
      batch: { ...PLACE, highWatermark: '100', messages, fetchedOffset: String(first), lastOffset: () => last },
      resolveOffset: () => {},
      heartbeat: async () => {
        this.calls.push('heartbeat')
        if (this.isUnknown) throw Object.assign(new Error('gone'), { type: 'UNKNOWN_MEMBER_ID' })
      },
      commitOffsetsIfNecessary: async ({ topics }) => {
        const offsets = topics.flatMap(({ partitions }) => partitions.map(({ offset }) => offset))
        this.calls.push(`commitOffsetsIfNecessary ${offsets}`)
      },
      isStale: () => false,
    }
    await this.runs.eachBatch(payload)
  }
}

/** A handler that notes what it is told, in words. */
export class Told implements ConsumerHandler {
  readonly words: string[] = []
  /** Whether it keeps its partitions when the group rebalances. */
  holds = false

  assigned(partitions: readonly AssignedPartition[]): void {
    this.words.push(`assigned ${partitions.map(({ partition, position }) => `${partition}@${position}`)}`)
  }

  batch(_from: TopicPartition, messages: readonly RawMessage[], nextOffset: number): void {
    this.words.push(`batch ${messages.map(({ offset }) => offset)} next ${nextOffset}`)
  }

  revoking(partitions: readonly TopicPartition[], done: () => void): void {
    this.words.push(`revoking ${partitions.map(({ partition }) => partition)}`)
    if (!this.holds) done()
  }

  confirmed(): void {
    this.words.push('confirmed')
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.words.push(`lost ${partitions.map(({ partition }) => partition)}`)
  }

  outOfRange({ partition, offset }: Position, { logStart, highWatermark }: LogRange): void {
    this.words.push(`outOfRange ${partition}@${offset} of ${logStart} to ${highWatermark}`)
  }

  trouble(error: Error): void {
    this.words.push(`trouble ${error.message}`)
  }

  failed(error: Error): void {
    this.words.push(`failed ${error.message}`)
  }
}

/** Lets all promises go on that need no more than each other. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

/** A coordinator as far as KafkaJS's reset uses it. */
interface HandCoordinator extends CoordinatorClient {
  offsetCommit?(request: {
    topics: { topic: string; partitions: { partition: number; offset: unknown }[] }[]
  }): Promise<unknown>
  joinGroup?(request: object): Promise<{ generationId: number }>
  syncGroup?(request: object): Promise<unknown>
}

function newCluster(committed: (offset: unknown) => void, refused: () => undefined): ClusterClient {
  const coordinator: HandCoordinator = {
    isConnected: () => true,
    joinGroup: async () => ({ generationId: 1 }),
    syncGroup: async () => {
      throw new Error('no answer')
    },
    offsetCommit: async ({ topics }) => committed(topics[0]?.partitions[0]?.offset),
  }
  return {
    findGroupCoordinator: async () => refused() ?? coordinator,
    refreshMetadataIfNecessary: async () => {},
    findTopicPartitionMetadata: () => [],
    fetchTopicsOffset: async () => [],
    defaultOffset: () => -1,
  }
}

import type { ConsumeOptions } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { FatalError } from '../errors.ts'
import type { ConsumerClient, EachBatch, JoinPayload, KafkaClient } from './client.ts'
import { Connections } from './connections.ts'
import { Fetches } from './fetches.ts'
import type { Answered } from './fetchSize.ts'
import { type Hooks, hookedAssigners } from './hooks.ts'

/** Batches that KafkaJS hands over at once: a held one must not keep the others of its fetch waiting. */
const CONCURRENCY = 32
/** The longest time between two heartbeats, in ms. */
const HEARTBEAT = 3000

/** Who hears what a KafkaJS consumer tells, and is asked before it goes on. */
export interface SessionListener
  extends Pick<Hooks, 'beforeJoin' | 'beforeFetch' | 'owned' | 'outOfRange' | 'passOver'> {
  readonly isEnded: boolean
  onJoin(join: JoinPayload): void
  onBatch(payload: EachBatch): Promise<void>
  /** It has got partitions of topics that it does not read; KafkaJS leaves them aside. */
  onUnsubscribed(topics: readonly string[]): void
  /** The next fetch is from this broker. */
  onFetch(broker: number): void
  /** The broker has answered a heartbeat. */
  onHeartbeat(): void
  /** It has crashed, or could not be opened. */
  onCrash(error: unknown): void
}

/** One KafkaJS consumer: made, opened, listened to and closed. */
export class Session {
  readonly client: ConsumerClient
  readonly heartbeatInterval: number
  private readonly options: ConsumeOptions
  private readonly listener: SessionListener
  private readonly connections = new Connections()
  private readonly fetches: Fetches
  private opened: Promise<void> = Promise.resolve()

  constructor(kafka: KafkaClient, clock: Clock, options: ConsumeOptions, listener: SessionListener) {
    const { groupId, maxWaitTimeInMs, sessionTimeout, rebalanceTimeout } = options
    this.heartbeatInterval = Math.min(HEARTBEAT, Math.floor(sessionTimeout / 3))
    this.options = options
    this.listener = listener
    this.fetches = new Fetches(clock)
    this.client = kafka.consumer({
      ...{ groupId, maxWaitTimeInMs, sessionTimeout, rebalanceTimeout, heartbeatInterval: this.heartbeatInterval },
      partitionAssigners: hookedAssigners(this.hooks(), this.connections, this.fetches),
      allowAutoTopicCreation: false,
      // It restarts by itself otherwise, even after it was told to stop.
      retry: { restartOnFailure: async () => false },
    })
  }

  open(): void {
    this.listen()
    this.opened = this.start().catch((error) => this.listener.onCrash(error))
  }

  /** Leaves the group, but only once it is opened: what is torn down while it joins would join none the less. */
  async close(): Promise<void> {
    await this.opened
    try {
      await this.client.disconnect()
    } finally {
      this.connections.end()
    }
  }

  private hooks(): Hooks {
    const { listener, options } = this
    return {
      beforeJoin: (find) => listener.beforeJoin(find),
      beforeFetch: () => listener.beforeFetch(),
      owned: () => listener.owned(),
      joining: (topics) => {
        if (topics.length > 0) return
        const patterns = options.topics.join(', ')
        throw new FatalError(`Cannot read ${patterns}: no topic matches; create one, or correct the pattern`)
      },
      outOfRange: (place) => listener.outOfRange(place),
      passOver: (...part) => listener.passOver(...part),
    }
  }

  private async start(): Promise<void> {
    const { client, options, listener } = this
    await client.connect()
    for (const topic of options.topics) {
      if (listener.isEnded) return
      // One by one: a refusal doesn't say which topic it means.
      await this.subscribe(topic)
    }
    if (listener.isEnded) return
    await client.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENCY,
      eachBatch: (payload) => listener.onBatch(payload),
    })
  }

  private async subscribe(topic: string | RegExp): Promise<void> {
    const { fromBeginning } = this.options
    // A pattern with the flag `g` or `y` remembers where it stopped.
    const topics = [typeof topic === 'string' ? topic : new RegExp(topic.source, topic.flags.replace(/[gy]/g, ''))]
    // KafkaJS knows no instants; where reading begins it is told at each assignment.
    await this.client.subscribe({ topics, fromBeginning: fromBeginning !== false })
  }

  private listen(): void {
    const { client, listener } = this
    const { GROUP_JOIN, CRASH, FETCH_START, HEARTBEAT, RECEIVED_UNSUBSCRIBED_TOPICS, REQUEST } = client.events
    const on = <T>(event: string, tell: (payload: T) => void) => client.on(event, ({ payload }) => tell(payload as T))
    on<Answered>(REQUEST, (answer) => this.fetches.answered(answer))
    on(HEARTBEAT, () => listener.onHeartbeat())
    on<{ nodeId: number }>(FETCH_START, ({ nodeId }) => listener.onFetch(nodeId))
    on<{ topicsNotSubscribed: readonly string[] }>(RECEIVED_UNSUBSCRIBED_TOPICS, ({ topicsNotSubscribed }) =>
      listener.onUnsubscribed(topicsNotSubscribed),
    )
    on<JoinPayload>(GROUP_JOIN, (join) => listener.onJoin(join))
    on<{ error: Error }>(CRASH, ({ error }) => listener.onCrash(error))
  }
}

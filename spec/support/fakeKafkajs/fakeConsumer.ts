import type {
  ClusterClient,
  ConsumerClient,
  ConsumerConfig,
  EachBatch,
  RunConfig,
  TopicOffsets,
} from '../../../lib/kafkajs/client.ts'
import type { CommitRequest, FakeGroup, GroupRequest } from './fakeGroup.ts'
import type { Turns } from './turns.ts'

const TOPIC = 'numbers'
const VALUE = Buffer.from('1')
const EVENTS = {
  GROUP_JOIN: 'join',
  CRASH: 'crash',
  FETCH_START: 'fetch',
  HEARTBEAT: 'heartbeat',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'unsubscribed',
  REQUEST: 'request',
} as const
/** Messages of a batch at most. */
const BATCH = 3
/** Tries of `commitOffsets`, each under the generation of its moment. */
const TRIES = 3

/** Whom a fake consumer tells of what must not be. */
export interface Watch {
  /** A commit is sent under this generation. */
  commits(generation: number): void
}

/** A consumer as KafkaJS 2.2.4 is one: joins, fetches and joins again as it does, and waits where it waits. */
export class FakeConsumer implements ConsumerClient {
  readonly events = EVENTS
  generation = -1
  private memberId = ''
  private readonly group: FakeGroup
  private readonly turns: Turns
  private readonly watch: Watch
  private readonly cluster: ClusterClient
  private readonly coordinator
  private readonly listeners = new Map<string, (event: { payload: unknown }) => void>()
  private readonly assigners
  private readonly positions = new Map<number, number>()
  private readonly sought = new Set<number>()
  private readonly paused = new Set<number>()
  private assigned: readonly number[] = []
  private running = false
  private consuming: Promise<void> = Promise.resolve()
  private config: RunConfig | undefined

  constructor(config: ConsumerConfig, group: FakeGroup, turns: Turns, watch: Watch) {
    this.group = group
    this.turns = turns
    this.watch = watch
    this.coordinator = {
      isConnected: () => true,
      joinGroup: ({ memberId }: { memberId: string }) => turns.request('JoinGroup', () => group.join(memberId)),
      syncGroup: (request: GroupRequest) => turns.request('SyncGroup', () => group.sync(request)),
      heartbeat: (request: GroupRequest) => turns.request('Heartbeat', () => group.heartbeat(request)),
      leaveGroup: ({ memberId }: GroupRequest) => turns.request('LeaveGroup', () => group.leave(memberId)),
      offsetCommit: (request: CommitRequest) => turns.request('OffsetCommit', () => group.commit(request)),
    }
    this.cluster = {
      findGroupCoordinator: () => turns.request('FindCoordinator', () => this.coordinator),
      refreshMetadataIfNecessary: () => Promise.resolve(),
      findTopicPartitionMetadata: () => group.ends.map((_, partitionId) => ({ partitionId })),
      fetchTopicsOffset: () => Promise.resolve([]),
      defaultOffset: () => 0,
    }
    this.assigners = config.partitionAssigners.map((assigner) => assigner({ cluster: this.cluster }))
  }

  connect(): Promise<void> {
    return this.turns.request('connect', () => {})
  }

  subscribe(): Promise<void> {
    return this.turns.request('Metadata', () => {})
  }

  on(event: string, listener: (event: { payload: unknown }) => void): void {
    this.listeners.set(event, listener)
  }

  async run(config: RunConfig): Promise<void> {
    this.config = config
    this.running = true
    try {
      await this.joinAndSync()
    } catch (error) {
      this.crash(error)
      return
    }
    this.consuming = this.consume()
  }

  async disconnect(): Promise<void> {
    if (this.running) {
      this.running = false
      await this.consuming
      if (this.memberId !== '') await this.coordinator.leaveGroup(this.request()).catch(() => {})
    }
    await this.turns.request('disconnect', () => {})
  }

  seek({ partition, offset }: { partition: number; offset: string }): void {
    this.positions.set(partition, Number(offset))
    this.sought.add(partition)
  }

  pause([first]: { partitions: number[] }[]): void {
    for (const partition of first?.partitions ?? []) this.paused.add(partition)
  }

  resume([first]: { partitions: number[] }[]): void {
    for (const partition of first?.partitions ?? []) this.paused.delete(partition)
  }

  /** Tries again, which is the trap: under whatever generation it has by then. */
  async commitOffsets(offsets: { partition: number; offset: string }[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.commit({ topics: [{ topic: TOPIC, partitions: offsets }] })
      } catch (error) {
        if (tries === TRIES) throw error
      }
    }
  }

  private commit(offsets: TopicOffsets): Promise<void> {
    this.watch.commits(this.generation)
    return this.coordinator.offsetCommit({ ...this.request(), ...offsets })
  }

  private request(): GroupRequest {
    return { groupId: 'group', memberId: this.memberId, groupGenerationId: this.generation }
  }

  private async consume(): Promise<void> {
    while (this.running) {
      try {
        await this.fetch()
      } catch (error) {
        if (!(await this.recover(error))) return
      }
    }
  }

  /** After an error of the loop: joins again, or crashes. */
  private async recover(error: unknown): Promise<boolean> {
    const { type } = error as { type?: string }
    if (type !== 'REBALANCE_IN_PROGRESS' && type !== 'UNKNOWN_MEMBER_ID') return this.crash(error)
    if (type === 'UNKNOWN_MEMBER_ID') this.memberId = ''
    try {
      await this.joinAndSync()
      return true
    } catch (cause) {
      return this.crash(cause)
    }
  }

  private crash(error: unknown): false {
    this.running = false
    this.listeners.get(EVENTS.CRASH)?.({ payload: { error } })
    return false
  }

  private async joinAndSync(): Promise<void> {
    for (;;) {
      try {
        await this.cluster.findGroupCoordinator({ groupId: 'group' })
        for (const assigner of this.assigners) assigner.protocol({ topics: [TOPIC] })
        const joined = await this.coordinator.joinGroup({ memberId: this.memberId })
        this.generation = joined.generationId
        this.memberId = joined.memberId
        this.assigned = await this.coordinator.syncGroup(this.request())
        break
      } catch (error) {
        const { type } = error as { type?: string }
        if (type === 'UNKNOWN_MEMBER_ID') this.memberId = ''
        else if (type !== 'REBALANCE_IN_PROGRESS') throw error
      }
    }
    this.positions.clear()
    this.sought.clear()
    const { memberId } = this
    const payload = { memberId, memberAssignment: { [TOPIC]: this.assigned } }
    this.listeners.get(EVENTS.GROUP_JOIN)?.({ payload })
  }

  private async fetch(): Promise<void> {
    await this.cluster.refreshMetadataIfNecessary()
    const wanted = this.assigned.filter((partition) => !this.paused.has(partition))
    this.sought.clear()
    const ends = await this.turns.request('Fetch', () => wanted.map((partition) => this.group.ends[partition] ?? 0))
    let isEmpty = true
    for (const [i, partition] of wanted.entries()) {
      const from = this.positions.get(partition) ?? this.group.committed[partition] ?? 0
      const to = Math.min(ends[i] ?? 0, from + BATCH)
      if (!this.running || to <= from) continue
      isEmpty = false
      await this.config?.eachBatch(this.payload(partition, from, to))
      await this.heartbeat()
    }
    // Heartbeats of KafkaJS wait for their interval; here each may be due.
    if (isEmpty && this.running) await this.heartbeat()
  }

  private async heartbeat(): Promise<void> {
    const request = this.request()
    await this.coordinator.heartbeat(request)
    this.listeners.get(EVENTS.HEARTBEAT)?.({ payload: request })
  }

  private payload(partition: number, from: number, to: number): EachBatch {
    const offsets = Array.from({ length: to - from }, (_, i) => String(from + i))
    return {
      batch: {
        topic: TOPIC,
        partition,
        highWatermark: String(this.group.ends[partition]),
        fetchedOffset: String(from),
        messages: offsets.map((offset) => ({ offset, timestamp: '0', key: null, value: VALUE })),
        lastOffset: () => String(to - 1),
      },
      resolveOffset: (offset) => {
        if (!this.sought.has(partition)) this.positions.set(partition, Number(offset) + 1)
      },
      heartbeat: () => this.heartbeat(),
      commitOffsetsIfNecessary: (offsets) => this.commit(offsets),
      isStale: () => this.sought.has(partition),
    }
  }
}

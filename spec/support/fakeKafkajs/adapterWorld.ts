import type { Broker, ConsumeOptions, Consumer, ConsumerHandler } from '../../../lib/broker.ts'
import { Admin } from '../../../lib/kafkajs/admin.ts'
import type { AdminClient, ConsumerConfig, KafkaClient } from '../../../lib/kafkajs/client.ts'
import { KafkajsConsumer } from '../../../lib/kafkajs/consumer.ts'
import { Members } from '../../../lib/members.ts'
import type { Message } from '../../../lib/message.ts'
import { Reading } from '../../../lib/reading.ts'
import { sourceOptions } from '../../../lib/sourceOptions.ts'
import { Topics } from '../../../lib/topics.ts'
import { HandClock } from '../handClock.ts'
import { FakeConsumer } from './fakeConsumer.ts'
import { FakeGroup } from './fakeGroup.ts'
import { Restless } from './restless.ts'
import { settled, Turns } from './turns.ts'

const PARTITIONS = 2
const OPTIONS: ConsumeOptions = {
  groupId: 'group',
  topics: ['numbers'],
  fromBeginning: true,
  maxWaitTimeInMs: 100,
  fetchInterval: 0,
  sessionTimeout: 30_000,
  rebalanceTimeout: 60_000,
}
/** Within so many turns of 100 ms all must have come right: sooner than a watchdog would see that nothing happens. */
const PATIENCE = 1000

/** A source on the real adapter, on a KafkaJS that is not real. */
export class AdapterWorld implements Broker {
  readonly clock = new HandClock()
  readonly members = new Members()
  readonly turns = new Turns((text) => this.story?.push(text))
  readonly group = new FakeGroup(PARTITIONS, (...commit) => this.committed(...commit))
  story: string[] | undefined
  private readonly acked = Array.from({ length: PARTITIONS }, () => new Set<number>())
  private held: Message<unknown>[] = []
  /** What reads: a source, or a handler that commits whenever it is told to. */
  private reading: Pick<Reading<unknown>, 'drain' | 'abandon'> | undefined
  private restless: Restless | undefined
  private readonly isRestless: boolean
  private fakes: FakeConsumer[] = []
  /** The generation under which the present commit was asked for. */
  private begun: number | undefined
  private violation: Error | undefined

  constructor(isRestless: boolean) {
    this.isRestless = isRestless
    this.subscribe()
  }

  random(): number {
    return 0.5
  }

  consume(options: ConsumeOptions, handler: ConsumerHandler): Consumer {
    const admin = (): AdminClient => ({
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      fetchOffsets: ({ topics: [topic = ''] }) =>
        this.turns.request('OffsetFetch', () => [
          {
            topic,
            partitions: this.group.committed.map((offset, partition) => ({
              partition,
              offset: `${offset ?? -1}`,
              metadata: null,
            })),
          },
        ]),
      fetchTopicOffsetsByTimestamp: () => Promise.reject(new Error('Cannot list offsets of an instant here')),
      fetchTopicOffsets: () =>
        this.turns.request('ListOffsets', () =>
          this.group.ends.map((end, partition) => ({ partition, low: '0', high: `${end}` })),
        ),
    })
    const kafka = { consumer: (config: ConsumerConfig) => this.fake(config), admin } as unknown as KafkaClient
    const host = {
      ...{ kafka, clock: this.clock, admin: new Admin(kafka), random: () => 0.5, left: () => {} },
      createPartitioner: undefined,
    }
    const consumer = new KafkajsConsumer(host, options, handler)
    const commit = consumer.commit.bind(consumer)
    consumer.commit = (offsets, done) => {
      if (!this.isRestless) this.begun = this.fakes.at(-1)?.generation
      commit(offsets, done)
    }
    return consumer
  }

  send(): void {}

  subscribe(): void {
    if (this.reading !== undefined) return
    if (this.isRestless) this.readRestlessly()
    else this.read()
  }

  private read(): void {
    const options = sourceOptions({ groupId: 'group', maxInFlight: 4, drainTimeout: 10_000 }, 0)
    const topics = new Topics<unknown>({ name: 'numbers', decode: (bytes) => bytes })
    const ended = () => {
      this.reading = undefined
      this.held = []
    }
    const sink = { next: (message: Message<unknown>) => this.held.push(message), error: () => {}, complete: () => {} }
    this.reading = new Reading<unknown>(this, topics, options, sink, ended)
  }

  private readRestlessly(): void {
    const ended = () => {
      this.reading = undefined
      this.restless = undefined
    }
    const restless = new Restless({
      begins: () => {
        this.begun = this.fakes.at(-1)?.generation
      },
      does: (partition, offset) => {
        for (let one = 0; one < offset; one++) this.acked[partition]?.add(one)
      },
      ends: ended,
    })
    let isLeaving = false
    const leave = () => {
      if (!isLeaving) restless.leave()
      isLeaving = true
    }
    this.restless = restless
    this.reading = { drain: leave, abandon: leave }
    restless.reads(this.consume(OPTIONS, restless))
  }

  /** Goes on, in order, until messages have come. */
  async start(): Promise<void> {
    this.produce(6)
    for (let turn = 0; turn < 40 && this.held.length === 0; turn++) {
      await this.turns.take(0)
      await this.pass(0)
    }
  }

  produce(count: number): void {
    for (let i = 0; i < count; i++) this.group.ends[i % PARTITIONS] = (this.group.ends[i % PARTITIONS] ?? 0) + 1
  }

  /** Acks a message; the restless commits, and lets a rebalance go on. */
  ack(which: number): void {
    if (which % 3 > 0) this.restless?.commit()
    else this.restless?.letGo()
    const [message] = this.held.splice(which % Math.max(1, this.held.length), 1)
    if (message === undefined) return
    this.story?.push(`ack ${message.partition}@${message.offset}`)
    if (!message.signal.aborted) this.acked[message.partition]?.add(message.offset)
    message.ack()
  }

  /** The group rebalances; another member works on what this one is not given, until the next rebalance. */
  rebalance(share: readonly number[]): void {
    this.story?.push(`the group rebalances: this member will have ${share.join(' and ') || 'nothing'}`)
    this.group.isRebalancing = true
    this.group.share = share
  }

  /** The other member commits one more of what it has. */
  workElsewhere(): void {
    const { assigned, ends, committed, isRebalancing } = this.group
    if (isRebalancing) return
    const partition = ends.findIndex((_, one) => !assigned.includes(one))
    const offset = committed[partition] ?? 0
    if (partition < 0 || offset >= (ends[partition] ?? 0)) return
    this.story?.push(`the other member commits ${partition}@${offset + 1}`)
    this.acked[partition]?.add(offset)
    committed[partition] = offset + 1
  }

  expel(): void {
    this.story?.push('the broker forgets the member')
    this.group.memberId = undefined
    this.group.assigned = []
  }

  drain(): void {
    this.story?.push('drain')
    this.reading?.drain()
  }

  abandon(): void {
    this.story?.push('unsubscribe')
    this.reading?.abandon()
  }

  async pass(ms: number): Promise<void> {
    this.story?.push(`${ms} ms pass`)
    this.clock.pass(ms)
    await settled()
  }

  check(): void {
    if (this.violation !== undefined) throw this.violation
  }

  /** Nothing goes wrong any more: all has to be acked and committed, and the source to leave. */
  async finish(): Promise<void> {
    this.story?.push('From here on all goes well.')
    const { group } = this
    const isDone = () => this.reading !== undefined && group.ends.every((end, one) => group.committed[one] === end)
    // No other rebalance than it takes: one would heal what should not be ill.
    group.share = group.ends.map((_, partition) => partition)
    if (group.memberId !== undefined && group.assigned.length < PARTITIONS) this.rebalance(group.share)
    await this.progress(isDone, 'all is committed', () => this.subscribe())
    this.reading?.drain()
    await this.progress(
      () => this.reading === undefined,
      'it has left',
      () => {},
    )
  }

  private async progress(isDone: () => boolean, what: string, go: () => void): Promise<void> {
    for (let turn = 0; !isDone(); turn++) {
      if (turn === PATIENCE) throw new Error(`No progress: it never comes to pass that ${what}`)
      go()
      this.restless?.letGo()
      this.restless?.commit()
      while (this.held.length > 0) this.ack(0)
      await this.turns.take(0)
      await this.pass(100)
      this.check()
    }
  }

  private fake(config: ConsumerConfig): FakeConsumer {
    const watch = { commits: (generation: number) => this.commits(generation) }
    const fake = new FakeConsumer(config, this.group, this.turns, watch)
    this.fakes.push(fake)
    return fake
  }

  private commits(generation: number): void {
    if (generation === this.begun) return
    this.violation ??= new Error(`A commit begun under generation ${this.begun} is sent under ${generation}`)
  }

  private committed(partition: number, offset: number, before: number | null): void {
    this.story?.push(`committed ${partition}@${offset}`)
    const place = `${partition}@${offset}`
    const fail = (text: string) => {
      this.violation ??= new Error(text)
    }
    if (!this.group.assigned.includes(partition)) fail(`It commits ${place}, which another member has`)
    if (before !== null && offset < before) fail(`It commits ${place}, back from ${before}`)
    for (let below = 0; below < offset; below++)
      if (!this.acked[partition]?.has(below)) fail(`It commits ${place}, but ${below} is not acked`)
  }
}

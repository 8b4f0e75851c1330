import { mergeMap, tap } from 'rxjs'
import {
  ack,
  fromTopic,
  kafkajs,
  type Message,
  type Running,
  run,
  type SourceEvent,
  text,
  topic,
} from 'rxjs-kafka-toolkit'
import { kafkaClient } from '../services/support/kafka.ts'
import { FaultyNetwork } from './faultyNetwork.ts'
import { Gate } from './gate.ts'
import type { Ledger } from './ledger.ts'

/** Times of all members, in ms: short, so that what a fault sets off is soon over. */
const TIMES = { sessionTimeout: 6000, rebalanceTimeout: 6000, commitInterval: 100, maxWaitTimeInMs: 100 }

/** As an application that wants to hear of trouble soon. */
const CLIENT = { requestTimeout: 1500, connectionTimeout: 1500, retry: { initialRetryTime: 100, retries: 3 } }

export interface MemberOptions {
  readonly name: string
  readonly topic: string
  readonly groupId: string
  readonly drainTimeout: number
}

/** A process of a consumer group, but for that it is not one: reads by the public API, on a network of its own. */
export class CellMember {
  readonly name: string
  readonly gate = new Gate()
  readonly network: FaultyNetwork
  readonly events: SourceEvent[] = []
  readonly running: Running
  /** How it ended; undefined while it runs. */
  end: { readonly error: unknown } | undefined

  constructor({ name, groupId, drainTimeout, ...options }: MemberOptions, ledger: Ledger) {
    this.name = name
    this.network = new FaultyNetwork(ledger)
    const broker = kafkajs(kafkaClient({ ...CLIENT, socketFactory: this.network.socketFactory }))
    const pipeline = fromTopic(broker, topic(options.topic, text), { groupId, drainTimeout, ...TIMES }).pipe(
      tap((message) => ledger.delivered(message, name)),
      mergeMap((message: Message<string>) => this.gate.pass(message)),
      tap((message) => ledger.acked(message)),
      ack(),
    )
    this.running = run(broker, pipeline, { signals: false })
    this.running.events.subscribe((event) => {
      this.events.push(event)
      ledger.told(event, name)
    })
    this.running.closed.then(
      () => this.ended(undefined),
      (error: unknown) => this.ended(error),
    )
  }

  /** The partitions it reads. */
  get partitions(): number {
    return this.health?.partitions.length ?? 0
  }

  get state(): string {
    return this.health?.state ?? 'closed'
  }

  /** What it told, for whoever looks for the cause of a failure. */
  get story(): string {
    const words = this.events.map((event) => {
      if (event.type === 'trouble' || event.type === 'commitFailed') return `${event.type} (${event.error.message})`
      if (event.type === 'committed')
        return `committed ${event.offsets.map(({ partition, offset }) => `[${partition}]@${offset}`)}`
      if (event.type === 'revoked') return `revoked (${event.unsettled} unsettled)`
      return event.type
    })
    return `${this.name}: ${words.join(', ')}; ${this.end === undefined ? this.state : `ended: ${this.end.error ?? 'in order'}`}`
  }

  private get health() {
    return this.running.health()[0]
  }

  private ended(error: unknown): void {
    this.end = { error }
    // What it held will never be acked.
    this.gate.open()
  }
}

import type { Broker, ConsumeOptions, Consumer, ConsumerHandler, OutgoingMessage } from '../../../lib/broker.ts'
import type { SourceEvent } from '../../../lib/events.ts'
import { Members } from '../../../lib/members.ts'
import type { Message } from '../../../lib/message.ts'
import { deadLetter, type OnNack, retry } from '../../../lib/onNack.ts'
import { Reading } from '../../../lib/reading.ts'
import { sourceOptions } from '../../../lib/sourceOptions.ts'
import { Topics } from '../../../lib/topics.ts'
import { HandClock } from '../handClock.ts'
import { Ledger } from './ledger.ts'
import { ModelLog } from './modelLog.ts'
import { ModelMember, TOPIC } from './modelMember.ts'

/** How the source of a world is set up. */
export interface Setup {
  readonly maxInFlight: number
  readonly drainTimeout: number
  readonly policy: keyof typeof POLICIES
  /** What is done with each message within its emission. */
  readonly atOnce: 'nothing' | 'ack' | 'ack every second' | 'nack'
}

const TRIES = { attempts: 2, delay: 300, jitter: 'none' } as const
export const POLICIES = {
  stop: 'stop',
  skip: 'skip',
  deadLetter: deadLetter('failed'),
  retry: retry(TRIES),
  'retry, then skip': retry(TRIES).then('skip'),
  'retry, then deadLetter': retry(TRIES).then(deadLetter('failed')),
} satisfies Record<string, OnNack>

export const PARTITIONS = [0, 1]

/** One process with one source, the broker it reads from, and the ledger of what each has told the other. */
export class World implements Broker {
  readonly clock = new HandClock()
  members = new Members()
  readonly logs = PARTITIONS.map(() => new ModelLog())
  readonly ledger: Ledger
  readonly setup: Setup
  reading: Reading<unknown> | undefined
  member: ModelMember | undefined
  /** What happened, in words, once somebody asks for them. */
  story: string[] | undefined
  /** How much has happened so far. */
  deeds = 0
  /** Nothing goes wrong any more: all messages can be decoded, and are acked. */
  isHealed = false

  constructor(setup: Setup) {
    this.setup = setup
    this.ledger = new Ledger(this)
  }

  random(): number {
    return 0.5
  }

  consume(_options: ConsumeOptions, handler: ConsumerHandler): Consumer {
    this.member = new ModelMember(handler, this.logs, this.ledger)
    return this.member
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    this.ledger.sends(messages)
    this.member?.send(messages, done)
  }

  /** Makes the source subscribe. */
  subscribe(): void {
    const { maxInFlight, drainTimeout, policy } = this.setup
    const options = sourceOptions({ groupId: 'group', maxInFlight, drainTimeout, onNack: POLICIES[policy] }, 0)
    const sink = {
      next: (message: Message<unknown>) => this.ledger.delivers(message),
      error: () => this.ledger.ends(),
      complete: () => {},
    }
    const decode = (bytes: Uint8Array | null) => {
      if (bytes === null && !this.isHealed) throw new Error('bad bytes')
      return bytes
    }
    const reading = new Reading<unknown>(this, new Topics({ name: TOPIC, decode }), options, sink, () => this.closed())
    this.reading = reading
    this.ledger.begins()
    reading.listen((event: SourceEvent) => this.ledger.hears(event))
  }

  /** The process dies: nothing is told to anybody any more. */
  die(): void {
    this.clock.clear()
    this.members = new Members()
    this.ledger.dies()
    this.reading = undefined
    this.member = undefined
  }

  say(text: string): void {
    this.deeds++
    this.story?.push(text)
  }

  private closed(): void {
    this.ledger.closes()
    this.reading = undefined
    this.member = undefined
  }
}

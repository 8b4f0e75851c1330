import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { Books } from './books.ts'
import type { Consumer } from './consumers.ts'
import type { LoadTopic } from './load.ts'
import { Member } from './member.ts'
import type { Job } from './members/job.ts'
import { Outages } from './outages.ts'
import type { OwnBroker } from './ownBroker.ts'
import { Wire } from './wire.ts'

export interface StageOptions {
  readonly seed: number
  readonly members: number
  readonly sessionTimeout: number
  readonly consumer: Consumer
  readonly say: (line: string) => void
  /** Ends the run before its time. */
  readonly signal: AbortSignal
}

export const GROUP = 'chaos'
/** Places for members that come and go in a storm. */
export const SPARE = 3

/** All that faults act on: a broker, members, the network between them. */
export class Stage {
  readonly options: StageOptions
  readonly broker: OwnBroker
  readonly admin: Admin
  readonly books = new Books()
  readonly outages = new Outages()
  readonly topics: readonly LoadTopic[] = [
    { name: 'plain', partitions: 6, share: 0.5, kind: 'plain' },
    { name: 'trimmed', partitions: 2, share: 0.1, kind: 'plain' },
    { name: 'compacted', partitions: 2, share: 0.2, kind: 'plain' },
    { name: 'transacted', partitions: 2, share: 0.2, kind: 'transactions' },
  ]
  /** Every process that ever ran. */
  readonly members: Member[] = []
  readonly violations: string[] = []
  readonly wires: Wire[] = []
  private readonly folder = mkdtempSync(join(tmpdir(), 'rkt-chaos-'))
  /** Whether the ledgers and the log are kept. */
  isEvidence = true
  private isClosed = false

  constructor(broker: OwnBroker, options: StageOptions) {
    this.broker = broker
    this.options = options
    this.admin = broker.kafka.admin({ retry: { retries: 2 } })
  }

  get slots(): number {
    return this.options.members + SPARE
  }

  async open(): Promise<void> {
    await this.broker.startFresh()
    for (let slot = 0; slot < this.slots; slot++)
      this.wires.push(await Wire.open(this.broker.proxyPort(slot), this.broker.listenerPort(slot)))
    await this.admin.connect()
    await this.createTopics()
  }

  /** Starts a process in a place. */
  start(slot: number): Member {
    this.options.signal.throwIfAborted()
    const { seed, sessionTimeout, consumer } = this.options
    const number = this.members.length
    const name = `${slot}.${number}`
    const ledger = join(this.folder, name)
    const job: Job = {
      broker: `127.0.0.1:${this.broker.proxyPort(slot)}`,
      groupId: GROUP,
      topics: this.topics.map((topic) => topic.name),
      ledger,
      seed,
      sessionTimeout,
      style: number,
    }
    const member = new Member(name, slot, consumer.program(job), ledger, this.books)
    this.members.push(member)
    void member.exited.then((exit) => this.onExit(member, exit.code ?? exit.signal))
    return member
  }

  /** The process that is in a place now, and that nobody has asked to end. */
  at(slot: number): Member | undefined {
    return this.members.findLast((member) => member.slot === slot && member.isAlive && !member.isAsked)
  }

  get living(): readonly Member[] {
    return this.members.filter(({ isAlive }) => isAlive)
  }

  /** @throws Error when the run is to end */
  async sleep(ms: number): Promise<void> {
    await sleep(Math.max(0, ms), undefined, { signal: this.options.signal })
  }

  violate(text: string): void {
    this.violations.push(text)
    this.options.say(`VIOLATION ${text}`)
  }

  async close(): Promise<void> {
    this.isClosed = true
    await Promise.all(this.living.map((member) => member.kill()))
    await this.admin.disconnect().catch(() => {})
    for (const wire of this.wires) await wire.close()
    await this.broker.stop()
    if (this.isEvidence) return this.options.say(`the ledgers are in ${this.folder}, the log in ${this.broker.folder}`)
    await this.broker.wipe()
    rmSync(this.folder, { recursive: true })
  }

  /** What ends by itself is replaced, as a supervisor would. */
  private onExit(member: Member, status: number | string | null): void {
    if (member.isAsked || this.isClosed) return
    member.ledger.read()
    this.violate(`member ${member.name} ended by itself with ${status}: ${member.lastWords || 'no words'}`)
    this.outages.end(this.outages.begin('kill', member.slot))
    setTimeout(() => this.isClosed || this.options.signal.aborted || this.start(member.slot), 1000)
  }

  private async createTopics(): Promise<void> {
    const compaction = {
      'cleanup.policy': 'compact',
      'segment.ms': '5000',
      'min.cleanable.dirty.ratio': '0.01',
      'min.compaction.lag.ms': '3000',
    }
    const entriesOf = (name: string) => (name === 'compacted' ? Object.entries(compaction) : [])
    await this.admin.createTopics({
      topics: this.topics.map(({ name, partitions }) => ({
        topic: name,
        numPartitions: partitions,
        configEntries: entriesOf(name).map(([key, value]) => ({ name: key, value })),
      })),
    })
  }
}

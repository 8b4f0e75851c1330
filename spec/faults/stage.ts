import type { Producer } from 'kafkajs'
import type { RealKafka } from '../services/support/kafka.ts'
import { type Draw, drawFrom } from '../services/support/seeded.ts'
import { until } from '../services/support/until.ts'
import type { Cell } from './cells.ts'
import { Ledger } from './ledger.ts'
import { CellMember } from './member.ts'

export const PARTITIONS = 2

/** What all cells share: ways into the broker to which no fault is done. */
export interface Servers {
  readonly real: RealKafka
  readonly producer: Producer
}

/** A topic and a group of its own for one cell, what is produced there, and who reads it. */
export class Stage {
  readonly cell: Cell
  readonly ledger: Ledger
  readonly draw: Draw
  readonly members: CellMember[] = []
  private readonly servers: Servers
  private readonly topic: string
  private readonly groupId: string
  /** Messages of each partition. */
  produced = 0

  private constructor(servers: Servers, cell: Cell, topic: string, seed: number) {
    this.servers = servers
    this.cell = cell
    this.topic = topic
    this.groupId = `${topic}-group`
    this.ledger = new Ledger(cell.effect !== 'none')
    this.draw = drawFrom(seed)
  }

  static async make(servers: Servers, cell: Cell, seed: number): Promise<Stage> {
    return new Stage(servers, cell, await servers.real.topic(PARTITIONS), seed)
  }

  join(name: string, drainTimeout: number): CellMember {
    const { topic, groupId } = this
    const member = new CellMember({ name, topic, groupId, drainTimeout }, this.ledger)
    this.members.push(member)
    return member
  }

  /** Sends so many messages to each partition. */
  async produce(count: number): Promise<void> {
    const messages = Array.from({ length: count * PARTITIONS }, (_, n) => ({
      partition: n % PARTITIONS,
      value: `${this.produced + Math.floor(n / PARTITIONS)}`,
    }))
    await this.servers.producer.send({ topic: this.topic, messages })
    this.produced += count
  }

  /** Messages of the first offsets that nobody has acked. */
  get unacked(): readonly string[] {
    return partitions().flatMap((partition) => this.ledger.unacked(partition, this.produced))
  }

  async untilAcked(ms: number): Promise<void> {
    await this.until('all is acked', () => this.unacked.length === 0, ms)
  }

  async untilCommitted(ms: number): Promise<void> {
    const isCommitted = () => partitions().every((partition) => this.ledger.committedOf(partition) === this.produced)
    await this.until('all is committed', isCommitted, ms)
  }

  /** What the group has committed, by the broker's own word. */
  async committed(): Promise<ReadonlyMap<number, number>> {
    return this.servers.real.committed(this.groupId, this.topic)
  }

  async until(what: string, condition: () => boolean, ms: number): Promise<void> {
    await until(what, condition, ms)
  }

  /** Ends what still runs, without waiting for it. */
  close(): void {
    for (const member of this.members) {
      member.gate.open()
      if (member.end === undefined) member.running.drain().catch(() => {})
    }
  }
}

function partitions(): readonly number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => partition)
}

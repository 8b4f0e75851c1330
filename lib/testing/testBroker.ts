import type { ConsumeOptions, Consumer, ConsumerHandler, OutgoingMessage, Position, TopicPartition } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { type Member, Members } from '../members.ts'
import { InProcessBroker } from '../memory/memoryBroker.ts'
import { Journal } from './journal.ts'
import { SeenMember } from './seenMember.ts'
import { TestConsumer } from './testConsumer.ts'

/** A memory broker that notes all that happens on it, and whose clients can crash. */
export class TestBroker extends InProcessBroker {
  override readonly members: Members
  readonly journal: Journal
  /** The sources that read now, or have read, since the last crash. */
  private sources: SeenMember[] = []
  /** The groups that were read as. */
  private readonly groupIds = new Set<string>()
  private clients: TestConsumer[] = []
  /** Counts the crashes: an answer to who has crashed is not heard. */
  private lives = 0

  constructor(clock: Clock) {
    super({ clock })
    this.journal = new Journal(() => clock.now())
    this.members = new WatchedMembers((member) => this.sources.push(new SeenMember(member, this.journal)))
  }

  override consume(options: ConsumeOptions, handler: ConsumerHandler): Consumer {
    const { groupId } = options
    this.groupIds.add(groupId)
    const consumer = new TestConsumer(groupId, this, super.consume(options, handler))
    this.clients.push(consumer)
    return consumer
  }

  override send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    const { lives } = this
    super.send(messages, (error) => {
      if (error === null) for (const message of messages) this.journal.add({ kind: 'sent', groupId: '', message })
      if (lives === this.lives) done(error)
    })
  }

  /** Whether every source has ended. */
  get isClosed(): boolean {
    return this.sources.every(({ isClosed }) => isClosed)
  }

  /** How many sources there are since the last crash. */
  get sourceCount(): number {
    return this.sources.length
  }

  /** Messages that were delivered and not settled when their source closed. */
  get unsettled(): readonly Position[] {
    return this.sources.flatMap(({ unsettled }) => unsettled)
  }

  /** The groups that a member has not left. */
  get groupsNotLeft(): readonly string[] {
    return [...this.consumers].map(({ group }) => group.id)
  }

  /** Ends every client of this broker, as a crash of their process does. */
  crash(): void {
    this.lives++
    for (const source of this.sources) source.kill()
    for (const client of this.clients) client.kill()
    this.sources = []
    this.clients = []
  }

  /** Is up again, so that who drains can commit. */
  recover(): void {
    if (this.faults.isDown) this.up()
  }

  /** Has every source drain, as SIGTERM does. */
  drain(): void {
    for (const { member } of this.sources) member.drain()
  }

  /** Has another member of each group take all partitions, or one. */
  revoke(partition?: TopicPartition): void {
    for (const groupId of this.groupIds) this.occupy(groupId, partition)
  }

  /** As {@link revoke}, without notice: whoever is expelled loses all, and joins again for what is left. */
  lose(partition?: TopicPartition): void {
    for (const groupId of this.groupIds) {
      this.occupy(groupId, partition)
      this.expel(groupId)
    }
  }

  /** Gives all partitions back, or one. */
  assign(partition?: TopicPartition): void {
    for (const groupId of this.groupIds) this.vacate(groupId, partition)
  }

  /** Takes note of what the last action has changed. */
  look(): void {
    for (const source of this.sources) source.look()
  }
}

class WatchedMembers extends Members {
  private readonly onAdd: (member: Member) => void

  constructor(onAdd: (member: Member) => void) {
    super()
    this.onAdd = onAdd
  }

  override add(member: Member): void {
    super.add(member)
    this.onAdd(member)
  }
}

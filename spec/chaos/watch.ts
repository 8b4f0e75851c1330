import type { PartitionBook } from './books.ts'
import { GROUP, type Stage } from './stage.ts'

/**
 * How long all may stand still while a member and the broker could work, in ms. A member that is killed or frozen keeps
 * the group in its rebalance for its session, and before the group is through the next fault may hit another: on a busy
 * machine a chain of eight, five seconds apart, took 31 s.
 */
const STILL = 60_000
/** How long one partition may, in ms: faults that follow each other may each hit its owner. */
const PARTITION_STILL = 75_000
const STEP = 300

/** Reads the ledgers as they grow, and sees that there is progress; names what stands still, and in what state it is. */
export class Watch {
  private readonly stage: Stage
  private timer: NodeJS.Timeout | undefined
  private ended = 0
  private movedAt = Date.now()
  private brokerUpSince = Date.now()
  private readonly reported = new Set<PartitionBook>()

  constructor(stage: Stage) {
    this.stage = stage
    this.timer = setInterval(() => this.look(), STEP)
  }

  /** Messages done, with repeats. */
  get done(): number {
    return this.ended
  }

  /** When one was done last, or none could be. */
  get progressAt(): number {
    return this.movedAt
  }

  stop(): void {
    clearInterval(this.timer)
    this.read()
  }

  /** Takes up what the members wrote. */
  read(): void {
    for (const { ledger } of this.stage.members) ledger.read()
  }

  private look(): void {
    const { stage } = this
    this.read()
    const now = Date.now()
    const ended = stage.members.reduce((sum, { ledger }) => sum + ledger.ended, 0)
    if (!stage.broker.isUp) this.brokerUpSince = now
    if (ended > this.ended || !this.canWork) this.movedAt = now
    this.ended = ended
    if (now - this.movedAt > STILL) {
      this.movedAt = now
      void this.report(`no message was done for ${STILL} ms, with members ${this.healthy.join(', ')} up`)
    }
    for (const book of stage.books) if (this.isStill(book, now)) this.reportPartition(book)
  }

  /** Whether the broker is up, and a member that nothing keeps from it. */
  private get canWork(): boolean {
    return this.stage.broker.isUp && this.healthy.length > 0
  }

  private get healthy(): readonly string[] {
    const { stage } = this
    return stage.living.filter(({ slot }) => !stage.outages.isRecent(0, slot)).map(({ name }) => name)
  }

  private isStill(book: PartitionBook, now: number): boolean {
    const long = now - PARTITION_STILL
    if (book.lastEndAt > long || this.brokerUpSince > long || this.reported.has(book)) return false
    for (const [offset, { at }] of book.produced)
      if (at < long && offset >= book.deletedBelow && !book.isDone(offset)) return true
    return false
  }

  private reportPartition(book: PartitionBook): void {
    this.reported.add(book)
    void this.report(`no message of ${book.place} was done for ${PARTITION_STILL} ms`)
  }

  private async report(what: string): Promise<void> {
    const { stage } = this
    const group = await stage.admin.describeGroups([GROUP]).then(
      ({ groups: [one] }) => `the group is ${one?.state} with ${one?.members.length} members`,
      (error) => `the group can't be described: ${error}`,
    )
    const members = stage.living.map(({ name, ledger }) => `${name} (${ledger.style}): ${ledger.told.at(-1)?.type}`)
    stage.violate(`${what}; ${group}; last told: ${members.join(', ')}`)
  }
}

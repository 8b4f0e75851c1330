import type { OutgoingMessage, Position } from '../../../lib/broker.ts'
import type { SourceEvent } from '../../../lib/events.ts'
import type { Message } from '../../../lib/message.ts'
import type { Lot, Open } from './lot.ts'
import type { Judge } from './modelMember.ts'
import type { World } from './world.ts'

/** What the source and the broker owe each other, kept in the plainest way; throws at the first thing that is not so. */
export class Ledger implements Judge {
  /** The present assignment, by partition. */
  lots = new Map<number, Lot>()
  /** Messages of assignments that have ended, and those settled already. */
  late: { readonly message: Message<unknown>; readonly life: number }[] = []
  /** Settlements of this life that came after their assignment. */
  lateCount = 0
  /** Counts the subscriptions. */
  life = 0
  /** By partition, the offsets done by anybody, or passed over by a seek. */
  readonly done: Set<number>[]
  isPaused = false
  /** It was asked to end, or stopped. */
  isEnding = false
  hasLeft = false
  revokedAt = 0
  /** When the broker could not take a commit. */
  refusedAt = Number.NEGATIVE_INFINITY
  /** The dead letters under way, in the order of the member's sends. */
  readonly letters: { readonly lot: Lot; readonly open: Open }[] = []
  private readonly world: World
  private violation: Error | undefined

  constructor(world: World) {
    this.world = world
    this.done = world.logs.map(() => new Set())
  }

  fails(text: string): never {
    this.violation ??= new Error(text)
    throw this.violation
  }

  /** Throws what was thrown before where somebody caught it. */
  expectNone(): void {
    if (this.violation !== undefined) throw this.violation
  }

  // The life of a subscription

  begins(): void {
    this.life++
    // The sends under way are those of the member before.
    this.letters.length = 0
    this.lateCount = 0
    this.isPaused = false
    this.isEnding = false
    this.hasLeft = false
  }

  ends(): void {
    this.isEnding = true
  }

  closes(): void {
    if (!this.isEnding) this.fails('it closed without being asked to')
    this.release()
  }

  dies(): void {
    this.lots.clear()
    this.letters.length = 0
    this.late = []
  }

  leaves(): void {
    this.world.say('  it leaves')
    this.hasLeft = true
    if (!this.isEnding) this.fails('it leaves without being asked to')
  }

  /** All assignments are over. */
  release(): void {
    for (const lot of this.lots.values()) this.retire(lot)
    this.lots.clear()
  }

  retire(lot: Lot): void {
    lot.isLive = false
    for (const { message } of lot.open.values()) if (message !== undefined) this.keep(message)
  }

  // What the source gives out

  delivers(message: Message<unknown>): void {
    const { partition, offset } = message
    const place = `${partition}@${offset}`
    this.world.say(`  it delivers ${place}${message.attempt > 1 ? ` again, attempt ${message.attempt}` : ''}`)
    const lot = this.lots.get(partition)
    if (lot === undefined || !lot.isLive) this.fails(`it delivers ${place}, which is not assigned`)
    this.expectDelivering(place)
    const open = this.opened(lot, offset, place)
    open.message = message
    if (message.attempt !== open.attempt) this.fails(`${place} says attempt ${message.attempt}, not ${open.attempt}`)
    this.settleAtOnce(lot, open)
  }

  private expectDelivering(place: string): void {
    const { phase } = this.world.member ?? {}
    if (phase !== 'assigned') this.fails(`it delivers ${place} while it is ${phase}`)
    if (this.isPaused) this.fails(`it delivers ${place} while it is paused`)
    if (this.isEnding) this.fails(`it delivers ${place} while it ends`)
  }

  private opened(lot: Lot, offset: number, place: string): Open {
    const again = lot.open.get(offset)
    if (again !== undefined) {
      if (again.state !== 'resting') this.fails(`it delivers ${place} twice: it is ${again.state}`)
      again.state = 'held'
      again.attempt++
      return again
    }
    if (lot.acked.has(offset)) this.fails(`it delivers ${place} again, which is acked`)
    if (lot.queue[0] !== offset) this.fails(`it delivers ${place}, but ${lot.queue[0] ?? 'nothing'} is next`)
    return this.open(lot)
  }

  /** The next of the fetched messages is taken up. */
  private open(lot: Lot): Open {
    const offset = lot.queue.shift() as number
    const open: Open = { offset, message: undefined, state: 'held', attempt: 1 }
    lot.open.set(offset, open)
    lot.delivered = offset + 1
    if (lot.open.size > this.world.setup.maxInFlight) this.fails(`I7: ${lot.open.size} in flight`)
    return open
  }

  private settleAtOnce(lot: Lot, open: Open): void {
    const { atOnce } = this.world.setup
    const isAcked = atOnce === 'ack' || (atOnce === 'ack every second' && open.offset % 2 === 0)
    if (isAcked || this.world.isHealed) this.ack(lot, open)
    else if (atOnce === 'nack') this.nack(lot, open, 'permanent')
  }

  // What is done with messages

  ack(lot: Lot, open: Open): void {
    const message = open.message as Message<unknown>
    this.world.say(`  ack ${lot.partition}@${open.offset}`)
    this.markDone(lot, open.offset)
    message.ack()
    this.keep(message)
  }

  private keep(message: Message<unknown>): void {
    this.late.push({ message, life: this.life })
  }

  nack(lot: Lot, open: Open, errorClass: 'permanent' | 'fatal'): void {
    const message = open.message as Message<unknown>
    this.world.say(`  nack ${lot.partition}@${open.offset}`)
    message.nack(Object.assign(new Error('boom'), { errorClass }))
    if (lot.isLive && open.state === 'held') this.fails(`nothing is done with ${lot.partition}@${open.offset}, nacked`)
  }

  abandon(lot: Lot, open: Open): void {
    this.world.say(`  abandon ${lot.partition}@${open.offset}`)
    open.state = 'abandoned'
    ;(open.message as Message<unknown>).abandon()
  }

  /** A dead letter is written, or never will be. */
  answersSend({ lot, open }: { lot: Lot; open: Open }, how: 'ok' | 'transient' | 'fatal'): void {
    if (!lot.isLive) return
    if (how === 'ok') this.markDone(lot, open.offset)
    else open.state = 'resting'
    if (how === 'fatal') this.isEnding = true
  }

  private markDone(lot: Lot, offset: number): void {
    lot.done(offset)
    this.done[lot.partition]?.add(offset)
  }

  // What the source tells

  hears(event: SourceEvent): void {
    if (event.type === 'nacked') this.hearsNack(event)
    else if (event.type === 'commitFailed' && event.error.kind === 'fatal') this.isEnding = true
  }

  private hearsNack({ place, action, error }: SourceEvent & { type: 'nacked' }): void {
    const { partition, offset } = place
    this.world.say(`  ${partition}@${offset} failed: ${action}`)
    const lot = this.lots.get(partition)
    if (lot === undefined || !lot.isLive)
      this.fails(`it takes up the failure of ${partition}@${offset}, which is not assigned`)
    let open = lot.open.get(offset)
    if (open === undefined && lot.queue[0] === offset) open = this.open(lot)
    // One that can't be decoded is tried again like any other.
    else if (open?.state === 'resting' && this.isBad(partition, offset)) open.attempt++
    else if (open?.state !== 'held' && open?.state !== 'abandoned')
      this.fails(`it takes up the failure of ${partition}@${offset}, which is ${open?.state ?? 'not open'}`)
    const expected = this.actionFor(open as Open, error)
    if (action !== expected) this.fails(`${partition}@${offset} failed: expected ${expected}, got ${action}`)
    this.follow(lot, open as Open, action)
  }

  private follow(lot: Lot, open: Open, action: 'stop' | 'skip' | 'send' | 'retry'): void {
    if (action === 'skip') this.markDone(lot, open.offset)
    else open.state = action === 'send' ? 'sending' : 'resting'
    if (action === 'stop') this.isEnding = true
  }

  private isBad(partition: number, offset: number): boolean {
    return this.world.logs[partition]?.bad.has(offset) === true
  }

  private actionFor(open: Open, error: unknown): 'stop' | 'skip' | 'send' | 'retry' {
    const [first, ...then] = this.world.setup.policy.split(', then ') as [string, ...string[]]
    if ((error as { errorClass?: string }).errorClass === 'fatal') return 'stop'
    if (first === 'retry' && open.attempt < 2) return 'retry'
    const last = first === 'retry' ? (then[0] ?? 'stop') : first
    return last === 'deadLetter' ? 'send' : (last as 'stop' | 'skip')
  }

  sends([message]: readonly OutgoingMessage[]): void {
    const { 'dlq.partition': partition, 'dlq.offset': offset } = message?.headers ?? {}
    this.world.say(`  it sends the dead letter of ${partition}@${offset}`)
    const lot = this.lots.get(Number(partition))
    const open = lot?.open.get(Number(offset))
    if (lot === undefined || open === undefined)
      this.fails(`it sends a dead letter of ${partition}@${offset}, not open`)
    open.state = 'sending'
    this.letters.push({ lot, open })
  }

  // What the source asks the broker for

  commits(offsets: readonly Position[]): void {
    this.world.say(`  it commits ${offsets.map(({ partition, offset }) => `${partition}@${offset}`)}`)
    if (offsets.length === 0) this.fails('it commits nothing')
    for (const { partition, offset } of offsets) this.judgeCommit(partition, offset)
  }

  private judgeCommit(partition: number, offset: number): void {
    const lot = this.lots.get(partition)
    if (lot === undefined) this.fails(`I5: it commits ${partition}@${offset}, which is not assigned`)
    if (offset > lot.oldest) this.fails(`I3: it commits ${partition}@${offset}, but ${lot.oldest} is not done`)
    const [next] = lot.queue
    if (next !== undefined && offset > next)
      this.fails(`I3: it commits ${partition}@${offset}, but ${next} is not delivered`)
    if (offset > lot.fetched) this.fails(`I1: it commits ${partition}@${offset}, but has fetched up to ${lot.fetched}`)
    if (offset < lot.low) this.fails(`I2: it commits ${partition}@${offset}, but the low watermark was ${lot.low}`)
    const isBack = lot.known !== null && offset < lot.known
    if (isBack && !lot.isSought) this.fails(`it commits ${partition}@${offset}, back from ${lot.known}`)
  }

  confirms(offsets: readonly Position[]): void {
    for (const { partition, offset } of offsets) {
      const lot = this.lots.get(partition)
      if (lot !== undefined) lot.known = offset
    }
  }

  seeks({ partition, offset }: Position): void {
    this.world.say(`  it reads on from ${partition}@${offset}`)
    const lot = this.lots.get(partition)
    if (lot === undefined) return this.fails(`it seeks ${partition}, which is not assigned`)
    const skipped = this.world.logs[partition]?.offsets.find((one) => one >= lot.delivered && one < offset)
    if (skipped !== undefined && !lot.acked.has(skipped))
      this.fails(`it reads on from ${partition}@${offset}, but ${skipped} was not delivered`)
    if (offset < lot.delivered) this.fails(`it reads on from ${partition}@${offset}, but ${lot.delivered} is next`)
    lot.queue = []
    lot.fetched = offset
  }

  pauses(partition: number, isPaused: boolean): void {
    this.world.say(`  it ${isPaused ? 'pauses' : 'resumes'} ${partition}`)
  }

  letsGo(): void {
    const { clock, setup, member } = this.world
    this.world.say('  it lets the rebalance go on')
    if (member?.pending !== undefined) this.fails('it lets the rebalance go on while its commit is under way')
    const isTime = clock.now() >= this.revokedAt + setup.drainTimeout
    for (const lot of this.lots.values())
      if (lot.isLive && lot.inFlight > 0 && !isTime) this.fails('it lets the rebalance go on with messages in flight')
  }
}

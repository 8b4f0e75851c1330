import type { Position, RawMessage } from '../broker.ts'
import type { SourceHealth } from '../events.ts'
import type { Member } from '../members.ts'
import type { Message, Origin, Token, Verdict } from '../message.ts'
import type { Journal } from './journal.ts'
import { SeenToken, type TokenWatcher } from './seenToken.ts'

/** Watches one source: what it delivers, how that settles, what may be committed. */
export class SeenMember implements TokenWatcher {
  /** Messages that were delivered and not settled when the source closed. */
  readonly unsettled: Position[] = []
  readonly member: Member
  private readonly journal: Journal
  private readonly tokens = new Map<Token, SeenToken>()
  /** The low watermarks at the last look, by partition. */
  private lows = new Map<string, number>()
  /** Its state at the last look. */
  private state: SourceHealth['state'] = 'joining'
  private isDead = false
  /** Whether it ended by a failure: what was in flight then is delivered again. */
  private hasFailed = false

  constructor(member: Member, journal: Journal) {
    this.member = member
    this.journal = journal
    member.through((message) => this.see(message))
    member.listen((event) => {
      if (event.type === 'closed') this.hasFailed = event.failure !== null
    })
  }

  get isClosed(): boolean {
    return this.isDead || this.member.health().state === 'closed'
  }

  /** Its process has crashed: whatever is still to come of it never happened. */
  kill(): void {
    this.isDead = true
    this.tokens.clear()
  }

  /** Looks at what has changed. */
  look(): void {
    if (this.isDead) return
    const { groupId, state, partitions } = this.member.health()
    if (state !== this.state) this.journal.add({ kind: 'state', groupId, state })
    this.state = state
    const before = this.lows
    this.lows = new Map()
    for (const { topic, partition, low } of partitions) {
      const key = `${topic}/${partition}`
      this.lows.set(key, low)
      if ((before.get(key) ?? low) === low) continue
      this.journal.add({ kind: 'committable', groupId, place: { topic, partition, offset: low } })
    }
    this.forgetEnded()
  }

  settled(raw: RawMessage, origin: Origin, verdict: Verdict, error: unknown, isLate: boolean): void {
    if (this.isDead) return
    const { groupId } = this.member
    const place = placeOf(raw, origin)
    if (isLate) this.journal.add({ kind: 'late', groupId, place })
    else if (verdict === 'acked') this.journal.add({ kind: 'acked', groupId, place })
    else this.journal.add({ kind: 'nacked', groupId, place, error: verdict === 'nacked' ? error : ABANDONED })
  }

  private see<A>(message: Message<A>): Message<A> {
    if (this.isDead) return message
    const { raw, origin } = message
    this.journal.add({ kind: 'delivered', groupId: this.member.groupId, place: placeOf(raw, origin) })
    const token = this.tokens.get(message.token) ?? new SeenToken(message.token, this)
    this.tokens.set(message.token, token)
    return token.adopt(message)
  }

  /** What is in flight when an assignment ends is delivered again, unless that is the end of all. */
  private forgetEnded(): void {
    const { isClosed } = this
    for (const [key, { origin, open }] of this.tokens) {
      if (!origin.isEnded) continue
      this.tokens.delete(key)
      if (isClosed && !this.hasFailed) for (const raw of open.values()) this.unsettled.push(placeOf(raw, origin))
    }
  }
}

const ABANDONED = new Error('abandoned: whoever held it was torn down')

function placeOf({ offset }: RawMessage, { topic, partition }: Origin): Position {
  return { topic, partition, offset: Number(offset) }
}

import type { Position } from './broker.ts'
import type { Delivery } from './delivery.ts'
import { errorClassOf, FatalError, fatalAt, MessageError, messageOf } from './errors.ts'
import { type NackAction, type NackPolicy, nackPolicy, type OnNack } from './onNack.ts'
import type { Refusal } from './partition.ts'

/** ms before a dead letter that could not be sent, or a retry that met a rebalance, is tried again. */
const AGAIN = 1000

/** Does what the source's policy says with messages that were not acked. */
export class Refusals<A> {
  private readonly delivery: Delivery<A>
  private readonly policy: NackPolicy

  constructor(delivery: Delivery<A>, onNack: OnNack) {
    this.delivery = delivery
    this.policy = nackPolicy(onNack)
  }

  add(refusal: Refusal<A>): void {
    refusal.partition.resting++
    if (refusal.verdict === 'nacked') return this.decide(refusal, refusal.error)
    // Abandoned: when the whole pipe is being torn down that is as it should be, and we hear of it in a moment.
    this.delivery.clock.schedule(() => this.decide(refusal, new Error(ABANDONED)), 0)
  }

  private decide(refusal: Refusal<A>, error: unknown): void {
    const { delivery } = this
    if (!this.isAlive(refusal)) return delivery.emitted()
    const place = placeOf(refusal)
    const { action, failure = error } = this.actionFor(refusal, error)
    delivery.counts.nacked++
    delivery.host.tell({ type: 'nacked', groupId: delivery.groupId, place, error, action: action.do })
    if (action.do === 'stop') return delivery.host.drain(stopError(place, failure))
    if (action.do === 'skip') {
      delivery.counts.skipped++
      refusal.partition.release(refusal.slot)
    } else if (action.do === 'send') this.send(refusal, action)
    else this.retry(refusal, action.after)
  }

  /** Stops at a policy that throws or does not know what to do: nothing else loses nothing. */
  private actionFor(refusal: Refusal<A>, error: unknown): { action: NackAction; failure?: FatalError } {
    if (errorClassOf(error) === 'fatal') return { action: { do: 'stop' } }
    try {
      const action = this.ask(refusal, error)
      expectAction(action)
      return { action }
    } catch (cause) {
      return { action: { do: 'stop' }, failure: policyError(cause, error) }
    }
  }

  private ask({ partition, slot, raw }: Refusal<A>, error: unknown): NackAction {
    return this.policy({
      topic: partition.topic,
      partition: partition.partition,
      raw,
      error,
      attempt: partition.attemptOf(slot),
      groupId: this.delivery.groupId,
      failedAt: this.delivery.clock.now(),
      random: () => this.delivery.random(),
    })
  }

  /** Acked only once the dead letter is written. */
  private send(refusal: Refusal<A>, action: NackAction & { do: 'send' }): void {
    const { delivery } = this
    delivery.host.broker.send([action.message], (error) => {
      if (!this.isAlive(refusal)) return
      if (error === null) {
        delivery.counts.deadLettered++
        refusal.partition.release(refusal.slot)
      } else if (errorClassOf(error) === 'transient') {
        delivery.host.trouble(error)
        delivery.clock.schedule(() => this.isAlive(refusal) && this.send(refusal, action), AGAIN)
      } else delivery.host.drain(stopError(placeOf(refusal), error))
    })
  }

  private retry(refusal: Refusal<A>, ms: number): void {
    const { delivery } = this
    delivery.clock.schedule(() => {
      if (!this.isAlive(refusal)) return
      if (!delivery.isHalted) delivery.slice(() => refusal.partition.redeliver(refusal))
      else this.retry(refusal, AGAIN)
    }, ms)
  }

  private isAlive({ partition }: Refusal<A>): boolean {
    return !partition.isEnded && !this.delivery.host.isEnding
  }
}

const ABANDONED = 'what held the message was torn down (by switchMap, takeUntil or the like) before it was settled'

/** What a policy in JavaScript may give in its place: a word, nothing, a promise. */
function expectAction(action: NackAction | undefined): void {
  const isAction =
    action?.do === 'stop' ||
    action?.do === 'skip' ||
    (action?.do === 'retry' && action.after >= 0) ||
    (action?.do === 'send' && typeof action.message?.topic === 'string')
  if (!isAction) throw new TypeError(`it gave ${JSON.stringify(action) ?? String(action)}`)
}

function policyError(cause: unknown, error: unknown): FatalError {
  const expected = "{ do: 'stop' | 'skip' }, { do: 'retry', after } or { do: 'send', message }"
  return new FatalError(
    `Expected the policy of onNack to give ${expected}: ${messageOf(cause)}; it was asked about: ${messageOf(error)}`,
    { cause },
  )
}

function placeOf({ partition, raw }: Refusal<unknown>): Position {
  return { topic: partition.topic, partition: partition.partition, offset: Number(raw.offset) }
}

function stopError(place: Position, error: unknown): Error {
  if (errorClassOf(error) === 'fatal') return fatalAt(place, error)
  return new MessageError(
    place,
    error,
    '; nothing from here on is committed. Mend the cause and start again, or say with onNack what to do: skip, retry() or deadLetter()',
  )
}

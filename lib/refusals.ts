import type { OutgoingMessage, Position } from './broker.ts'
import type { Timer } from './clock.ts'
import type { Delivery } from './delivery.ts'
import { errorClassOf, FatalError, fatalAt, MessageError, messageOf, TransientError } from './errors.ts'
import { type NackAction, type NackPolicy, nackPolicy, type OnNack } from './onNack.ts'
import type { Partition, Refusal } from './partition.ts'

/** ms before a dead letter that could not be sent is tried again. */
const AGAIN = 1000
/** ms after which a dead letter that has no answer yet is told as trouble: a client may try for long by itself. */
const SLOW = 5000

/** Does what the source's policy says with messages that were not acked. */
export class Refusals<A> {
  private readonly delivery: Delivery<A>
  private readonly policy: NackPolicy
  private readonly timers = new Set<Timer>()
  /** What is done with those whose time has come while nothing is delivered. */
  private held: { readonly refusal: Refusal<A>; readonly work: () => void }[] = []

  constructor(delivery: Delivery<A>, onNack: OnNack) {
    this.delivery = delivery
    this.policy = nackPolicy(onNack)
  }

  add(refusal: Refusal<A>): void {
    if (refusal.verdict === 'nacked') return this.decide(refusal, refusal.error)
    // Abandoned: when the whole pipe is being torn down that is as it should be, and we hear of it in a moment.
    this.later(refusal, 0, () => this.decide(refusal, new Error(ABANDONED)))
  }

  /** Whether something will be tried again. */
  get isWaiting(): boolean {
    return this.timers.size > 0 || this.held.length > 0
  }

  /** Tries nothing again any more. */
  clear(): void {
    for (const timer of this.timers) timer.unsubscribe()
    this.timers.clear()
    this.held = []
  }

  /** Messages are delivered again: so are those whose time has come meanwhile. */
  goOn(): void {
    const { held } = this
    this.held = []
    for (const { refusal, work } of held) this.later(refusal, 0, work)
  }

  private decide(refusal: Refusal<A>, error: unknown): void {
    const { delivery } = this
    const { action, failure = error } = this.actionFor(refusal, error)
    delivery.counts.nacked++
    const place = placeOf(refusal)
    delivery.host.tell({ type: 'nacked', groupId: delivery.groupId, place, error, action: action.do })
    if (action.do === 'stop') this.stop(refusal, failure)
    else if (action.do === 'send') this.send(refusal, action)
    else if (action.do === 'retry') this.retry(refusal, action.after)
    else {
      delivery.counts.skipped++
      refusal.partition.tracker.ack(refusal.slot)
    }
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
      attempt: partition.tracker.attemptOf(slot),
      groupId: this.delivery.groupId,
      failedAt: this.delivery.clock.now(),
      random: () => this.delivery.host.broker.random(),
    })
  }

  private stop(refusal: Refusal<A>, error: unknown): void {
    this.putDown(refusal)
    this.delivery.host.drain(stopError(placeOf(refusal), error))
  }

  /** Acked only once the dead letter is written. */
  private send(refusal: Refusal<A>, action: NackAction & { do: 'send' }): void {
    const { delivery } = this
    const { partition, slot } = refusal
    const slow = this.later(refusal, SLOW, () =>
      delivery.host.trouble(slowError(placeOf(refusal), action.message.topic)),
    )
    this.write(partition, action.message, (error) => {
      this.cancel(slow)
      if (partition.isEnded) return
      if (error === null) {
        delivery.counts.deadLettered++
        partition.tracker.ack(slot)
      } else if (errorClassOf(error) === 'transient') {
        delivery.host.trouble(error)
        this.putDown(refusal)
        this.later(refusal, AGAIN, () => this.sendAgain(refusal, action))
      } else this.stop(refusal, error)
    })
  }

  /** Sends within the transaction of the partition if there is one. */
  private write({ barrier }: Partition<A>, message: OutgoingMessage, done: (error: Error | null) => void): void {
    if (barrier === undefined) this.delivery.host.broker.send([message], done)
    else barrier.send([message], (error, refused) => done(error ?? refused.get(message) ?? null))
  }

  private sendAgain(refusal: Refusal<A>, action: NackAction & { do: 'send' }): void {
    const work = () => this.sendAgain(refusal, action)
    if (this.delivery.holders.isStopped) return void this.held.push({ refusal, work })
    refusal.partition.resting--
    this.send(refusal, action)
  }

  /** Delivers it again after a wait. */
  private retry(refusal: Refusal<A>, ms: number): void {
    this.putDown(refusal)
    this.later(refusal, ms, () => this.redeliver(refusal))
  }

  private redeliver(refusal: Refusal<A>): void {
    const { delivery } = this
    if (delivery.isHalted) return void this.held.push({ refusal, work: () => this.redeliver(refusal) })
    refusal.partition.resting--
    delivery.emission.slice(() => refusal.partition.redeliver(refusal))
  }

  /** Nobody works on it now: it holds up neither a rebalance nor the end. */
  private putDown({ partition }: Refusal<A>): void {
    partition.resting++
    this.delivery.checkSettled()
  }

  private later({ partition }: Refusal<A>, ms: number, work: () => void): Timer {
    const timer = this.delivery.clock.schedule(() => {
      this.timers.delete(timer)
      if (!partition.isEnded) work()
    }, ms)
    this.timers.add(timer)
    return timer
  }

  private cancel(timer: Timer): void {
    timer.unsubscribe()
    this.timers.delete(timer)
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

function slowError({ topic, partition, offset }: Position, to: string): TransientError {
  return new TransientError(
    `Cannot send ${topic}[${partition}]@${offset} to ${to} yet: no answer from the broker within ${SLOW} ms; see that it runs and has the topic`,
  )
}

function stopError(place: Position, error: unknown): Error {
  if (errorClassOf(error) === 'fatal') return fatalAt(place, error)
  return new MessageError(
    place,
    error,
    '; nothing from here on is committed. Mend the cause and start again, or say with onNack what to do: skip, retry() or deadLetter()',
  )
}

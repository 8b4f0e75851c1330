import { identity, Observable } from 'rxjs'
import { ack } from './ack.ts'
import type { Broker, OutgoingMessage } from './broker.ts'
import { PermanentError } from './errors.ts'
import { expectBroker, expectInteger, refuse } from './expect.ts'
import { fromTopic } from './fromTopic.ts'
import { type DeadLetter, letterOf, sentBack } from './letter.ts'
import { pace } from './pace.ts'
import { type Outcome, perBatch } from './perBatch.ts'
import { run } from './run.ts'
import { filterValue, mapValue, tapValue } from './values.ts'

/** Which dead letters are sent back, and how fast. */
export interface ReplayOptions {
  /** Which of them; a letter left out is passed over. @default all */
  readonly where?: (letter: DeadLetter) => boolean
  /** Messages a second at most. @default Infinity */
  readonly rate?: number
  /** A letter that was sent back so often is passed over. @default 3 */
  readonly maxReplays?: number
  /**
   * The consumer group that remembers how far the letters are read. Each letter is looked at once by a group, so the
   * next replay goes on where this one ended; another `groupId` begins at the first letter again.
   * @default the topic's name and '.replay'
   */
  readonly groupId?: string
}

/** What became of the letters of a replay. */
export interface Replayed {
  /** Sent back to their topics. */
  readonly replayed: number
  /** Left out by `where`. */
  readonly skipped: number
  /** Left alone because they were sent back `maxReplays` times before. */
  readonly exhausted: number
}

/**
 * Sends dead letters back to the topics where they failed: key, value and own headers as they were, and a count in the
 * header `dlq.replays`. Reads up to the present end of the topic, then leaves the group.
 *
 *     orders.failed   a-b-c-|
 *     orders          --a-b-c
 *     committed       ---1-2-3
 *
 * A letter counts as read once all replicas have its message: after a crash some are sent again, none is lost. The
 * letters stay in their topic. Rejects at a letter that can't be sent, with its place: one without `dlq.topic`, or
 * whose topic does not exist.
 *
 * ```ts
 * const { replayed } = await replayDeadLetters(kafka, 'orders.failed', {
 *   where: ({ error }) => error.type === 'HttpError',
 *   rate: 50,
 * })
 * ```
 *
 * @param kafka the broker: `kafkajs(kafka)` or `memoryBroker()`
 * @param from the dead-letter topic
 * @throws TypeError for a wrong option, at once
 */
export function replayDeadLetters(kafka: Broker, from: string, options: ReplayOptions = {}): Promise<Replayed> {
  expectBroker(kafka, 'consume')
  if (typeof from !== 'string' || from === '') refuse('from', 'the name of a dead-letter topic', from)
  const { where = () => true, rate = Number.POSITIVE_INFINITY, maxReplays = 3, groupId = `${from}.replay` } = options
  if (typeof where !== 'function') refuse('where', 'a function of a letter', where)
  if (typeof rate !== 'number' || !(rate > 0)) refuse('rate', 'a number of messages a second > 0', rate)
  expectInteger('maxReplays', maxReplays, 1)

  const counts = { replayed: 0, skipped: 0, exhausted: 0 }
  const isWanted = (letter: DeadLetter) => {
    if (!where(letter)) counts.skipped++
    else if (letter.replays >= maxReplays) counts.exhausted++
    else return true
    return false
  }
  // What waits for its turn is in flight: a second's worth at most, or a rebalance would wait for long.
  const maxInFlight = Math.max(1, Math.ceil(Math.min(rate, 1000)))
  const letters = fromTopic(kafka, { name: from, decode: identity }, { groupId, maxInFlight, until: 'end' }).pipe(
    mapValue((_, message) => letterOf(message)),
    filterValue(isWanted),
    Number.isFinite(rate) ? pace(rate) : identity,
    perBatch(sentBack, (messages) => sendTogether(kafka, messages), OPTIONS),
    tapValue(() => counts.replayed++),
    ack(),
  )
  return run(kafka, letters, { signals: false }).closed.then(() => counts)
}

/** Longer than a client tries by itself: a copy sent while the first is under way could overtake it. */
const TIMEOUT = 60_000
const OPTIONS = { name: 'replayDeadLetters', timeout: TIMEOUT, batch: { max: 500 }, repeats: true }

/** Sends messages, to several topics perhaps. Where some fail, each is tried alone: the topics fail apart. */
function sendTogether(kafka: Broker, messages: readonly OutgoingMessage[]): Observable<Outcome<null>[]> {
  return new Observable((subscriber) => {
    kafka.send(messages, (error) => {
      if (error === null) {
        subscriber.next(messages.map(() => ({ value: null })))
        subscriber.complete()
      } else subscriber.error(isMixed(messages) ? new PermanentError(error.message, { cause: error }) : error)
    })
  })
}

function isMixed([first, ...others]: readonly OutgoingMessage[]): boolean {
  return others.some(({ topic }) => topic !== first?.topic)
}

import { Observable } from 'rxjs'
import type { Broker } from './broker.ts'
import { callSite } from './callSite.ts'
import { expectBroker } from './expect.ts'
import type { Message } from './message.ts'
import { Reading } from './reading.ts'
import { type SourceOptions, sourceOptions } from './sourceOptions.ts'
import type { ReadableTopic } from './topic.ts'
import { Topics } from './topics.ts'
import { expectOf } from './transaction.ts'

/**
 * Reads topics as a member of a consumer group. Each message has to be settled, by `ack()` at the end of the pipe as
 * a rule; its offset commits when it and all before it in its partition are acked.
 *
 *     orders[0]   a---b---c---
 *     fromTopic   a---b---c---
 *     acked       --a-------(bc)
 *     committed   ---1--------3
 *
 * Cold: a subscription joins the group, and a second one at the same time is an error. Unsubscribing gives up what is
 * unsettled (it will be delivered again), commits what is acked and leaves the group in the background; `run` ends in
 * order instead. Delivers at least once.
 *
 * @param kafka the broker: `kafkajs(kafka)` or `memoryBroker()`
 * @param topics one topic, or several: the value is then of the type of one of them
 * @throws TypeError for a wrong option, at once
 */
export function fromTopic<const T extends readonly ReadableTopic<unknown>[]>(
  kafka: Broker,
  topics: T,
  options: SourceOptions,
): Observable<Message<ValueOf<T[number]>>>
export function fromTopic<A>(kafka: Broker, topics: ReadableTopic<A>, options: SourceOptions): Observable<Message<A>>
export function fromTopic<A>(
  kafka: Broker,
  topics: ReadableTopic<A> | readonly ReadableTopic<A>[],
  options: SourceOptions,
): Observable<Message<A>> {
  expectBroker(kafka, 'consume')
  const all = { ...sourceOptions(options, kafka.clock.now()), calledAt: callSite(fromTopic) }
  if (all.commit !== undefined) expectOf(kafka, all.commit)
  const read = new Topics(topics)
  /** The subscription that reads now, or the one before it that has not left the group yet. */
  let live: Reading<A> | undefined
  let reader: object | undefined
  let afterLeave: (() => void) | undefined

  return new Observable((subscriber) => {
    if (reader !== undefined) throw new Error(secondText(read.text, all.groupId))
    reader = subscriber
    const open = () => {
      afterLeave = undefined
      try {
        live = new Reading(kafka, read, all, subscriber, () => {
          live = undefined
          afterLeave?.()
        })
        // A run that is draining ends whoever begins again.
        if (subscriber.closed) live.abandon()
      } catch (error) {
        // Told to the subscriber, whose teardown makes room for the next.
        subscriber.error(error)
      }
    }
    if (live === undefined) open()
    else afterLeave = open
    return () => {
      reader = undefined
      if (afterLeave === undefined) live?.abandon()
      else afterLeave = undefined
    }
  })
}

/** Of several topics the union. */
type ValueOf<T> = T extends ReadableTopic<infer A> ? A : never

function secondText(topics: string, groupId: string): string {
  return `Cannot subscribe twice to ${topics} as group ${groupId}: a subscription is a member of the group; use share() to give its messages to several, or fromTopic() again for a second member`
}

import { setMaxListeners } from 'node:events'
import { map, type Observable, Subject } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import type { Headers, RawMessage } from '../broker.ts'
import { Holders } from '../holders.ts'
import { Message, type Origin, type Token, type Verdict } from '../message.ts'

/** What a message carries beside its value. */
export interface MarbleOptions<T> {
  /** The key of each value; none when left out. */
  readonly key?: (value: T) => string | null
  /** Headers of every message. @default {} */
  readonly headers?: Headers
  /** @default 'topic' */
  readonly topic?: string
  /** @default 0 */
  readonly partition?: number
  /** @default 'group' */
  readonly groupId?: string
}

/** Messages drawn as marbles, and what became of them. */
export interface MarbleMessages<T> {
  readonly messages: Observable<Message<T>>
  /** Emits a message's marble when it is acked. */
  readonly acks: Observable<string>
  /** Emits a message's marble and error text (`a: boom`) when it is nacked. */
  readonly nacks: Observable<string>
  /** Emits a message's marble when it is abandoned. */
  readonly abandoned: Observable<string>
}

/**
 * Draws messages as marbles, in the virtual time of a `TestScheduler`: to test an operator without a broker.
 *
 * ```ts
 * scheduler.run(({ cold, expectObservable }) => {
 *   const { messages, acks } = marbleMessages(scheduler, 'a-b-|', { a: 1, b: 2 })
 *   expectObservable(messages.pipe(mapValue((n) => n * 10), ack())).toBe('x-y-|', { x: 10, y: 20 })
 *   expectObservable(acks).toBe('a-b')
 * })
 * ```
 *
 * Offsets are the places of the marbles, from 0. A batch goes off after its `wait`: there is no broker that could say
 * that the source is quiet.
 */
export function marbleMessages<T>(
  scheduler: TestScheduler,
  marbles: string,
  values: Readonly<Record<string, T>>,
  options: MarbleOptions<T> = {},
): MarbleMessages<T> {
  const settled = { acked: new Subject<string>(), nacked: new Subject<string>(), abandoned: new Subject<string>() }
  const origin = originOn(scheduler, options)
  const tell = (verdict: Verdict, name: string, error: unknown) =>
    settled[verdict].next(verdict === 'nacked' ? `${name}: ${error instanceof Error ? error.message : error}` : name)
  const letters = Object.fromEntries(Object.keys(values).map((letter) => [letter, letter]))
  const messages = scheduler.createColdObservable(marbles, letters).pipe(
    map((letter, offset) => {
      const value = values[letter] as T
      const raw: RawMessage = { offset, timestamp: scheduler.now(), value: null, ...carried(value, options) }
      return new Message(
        value,
        raw,
        tokenOf(origin, (verdict, error) => tell(verdict, letter, error)),
        0,
      )
    }),
  )
  return { messages, acks: settled.acked, nacks: settled.nacked, abandoned: settled.abandoned }
}

function carried<T>(value: T, { key, headers = {} }: MarbleOptions<T>) {
  const name = key?.(value) ?? null
  return { key: name === null ? null : new TextEncoder().encode(name), headers }
}

function originOn(clock: TestScheduler, options: MarbleOptions<never>): Origin {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return {
    topic: options.topic ?? 'topic',
    partition: options.partition ?? 0,
    groupId: options.groupId ?? 'group',
    clock,
    maxInFlight: 1000,
    isEnded: false,
    isOpen: () => true,
    signal,
    random: () => 0.999,
    onQuiet: () => false,
    slice: (work) => work(),
    holders: new Holders(),
  }
}

function tokenOf(origin: Origin, settle: (verdict: Verdict, error: unknown) => void): Token {
  return {
    origin,
    settle: (_slot, verdict, error) => settle(verdict, error),
    idOf: (_slot, raw) => `${origin.topic}-${origin.partition}-${raw.offset}`,
    attemptOf: () => 1,
    rootOf: (slot) => slot,
  }
}

import { ALARM_ACTIONS, type AlarmAction } from './alarms.ts'
import { expectUntil, type Until } from './bounds.ts'
import { expectInteger, expectMs, expectOneOf, refuse } from './expect.ts'
import { ORDERS, type Order } from './lanes.ts'
import type { OnNack } from './onNack.ts'
import type { OnOutOfRange } from './outOfRange.ts'
import { expectTransaction, type Transaction } from './transaction.ts'

/** How a topic is read. Times in ms. */
export interface SourceOptions {
  /** The consumer group, whose committed offsets say where reading begins. */
  readonly groupId: string
  /**
   * Where a group that has committed nothing begins: at the oldest message, at the next, or at the first that is not
   * older than a `Date`. @default true
   */
  readonly fromBeginning?: boolean | Date
  /**
   * How far is read: then the source settles, commits, leaves the group and completes. See {@link Until}.
   * @default Infinity
   */
  readonly until?: Until
  /** Messages of one partition in flight at most; it is paused there and resumed at half. @default 1000 */
  readonly maxInFlight?: number
  /**
   * Bytes of keys and values fetched and not settled, of all partitions of the source: above it nothing more is fetched,
   * until it is half. Counted by fetched batch, because a batch stays in memory until its last message is settled.
   * Infinity for no limit. @default 67_108_864
   */
  readonly maxBytes?: number
  /** From the first ack to the commit; sooner (200 ms after the last commit) when nothing is in flight. @default 1000 */
  readonly commitInterval?: number
  /**
   * Whether acks above the low watermark are committed with it, as metadata of at most 4096 characters, so that after a
   * crash or a rebalance one slow message does not have all that was acked behind it repeated. @default false
   */
  readonly keepAcks?: boolean
  /**
   * Commits offsets together with what `sendTo` and `deadLetter` made of the messages: see `transaction()`. Then
   * `commitInterval` is how long a transaction takes messages, and `max` of the transaction limits `maxInFlight`.
   * @default offsets alone
   */
  readonly commit?: Transaction
  /**
   * How long a rebalance or the end waits for what is in flight; for what only waits for a next try it does not wait.
   * What has not settled then is given up: it is delivered again. @default 20_000
   */
  readonly drainTimeout?: number
  /**
   * Which messages are delivered one at a time: with `key`, the next of a key when the one before it is settled for good,
   * also when `onNack` tries it again in between; with `partition`, the next of all. For chains of your own: operators
   * made by `perMessage` and `perBatch` keep an order by themselves, and work on more at a time. What waits for its turn
   * counts for `maxInFlight`. @default 'none'
   */
  readonly order?: Order
  /** What is done with a message that failed for good: see {@link OnNack}. @default 'stop' */
  readonly onNack?: OnNack
  /**
   * Where to go on when the next offset to read is no longer in the log, or not yet: see {@link OnOutOfRange}.
   * @default 'fail'
   */
  readonly onOutOfRange?: OnOutOfRange
  /**
   * What is done with a message that nobody holds any more, so that nobody can ack it: a plain `filter`, `switchMap`,
   * `debounce` or `take` has dropped it. `nack`: it counts as failed, and `onNack` decides; `stop`: the source stops;
   * `warn`: only the event `leaked` tells of it, and nothing behind it is committed. It is found when the garbage
   * collector finds it, 1 s after its delivery at the earliest. @default 'nack'
   */
  readonly onLeak?: AlarmAction
  /** How long a message may be the oldest in flight: nothing behind it can be committed meanwhile. @default 60_000 */
  readonly maxProcessing?: number
  /**
   * What is done with a message that is the oldest in flight for `maxProcessing`. `nack`: it counts as failed, and
   * `onNack` decides, although somebody may still work on it; `stop`: the source stops; `warn`: only the event `stuck` and
   * `health()` tell of it. One that only waits for its next try by then is told of by the event, and left to its
   * operator, whatever this says. @default 'warn'
   */
  readonly onStuck?: AlarmAction
  /** How long a fetch waits for messages: the latency of a resume. @default 250 */
  readonly maxWaitTimeInMs?: number
  /**
   * From the start of a fetch to the start of the next, while the source keeps up with the log: at a steady rate one
   * fetch takes what came meanwhile. A message that comes alone is fetched at once. 0 for the least latency.
   * @default 25
   */
  readonly fetchInterval?: number
  /** Without a heartbeat for so long a member is lost. @default 30_000 */
  readonly sessionTimeout?: number
  /** How long the group waits for a member to join. @default 60_000 */
  readonly rebalanceTimeout?: number
}

/** The options of a subscription. */
export interface AllSourceOptions extends Required<Omit<SourceOptions, 'commit'>>, Pick<SourceOptions, 'commit'> {
  /** The stack of the call of `fromTopic`; undefined in production. */
  readonly calledAt?: string | undefined
}

const DEFAULTS: Required<Omit<SourceOptions, 'groupId' | 'commit'>> = {
  fromBeginning: true,
  until: Number.POSITIVE_INFINITY,
  maxInFlight: 1000,
  maxBytes: 64 * 1024 * 1024,
  commitInterval: 1000,
  keepAcks: false,
  drainTimeout: 20_000,
  order: 'none',
  onNack: 'stop',
  onOutOfRange: 'fail',
  onLeak: 'nack',
  maxProcessing: 60_000,
  onStuck: 'warn',
  maxWaitTimeInMs: 250,
  fetchInterval: 25,
  sessionTimeout: 30_000,
  rebalanceTimeout: 60_000,
}

/** The options with their defaults, at a time in ms. @throws TypeError that names the option that is wrong */
export function sourceOptions(options: SourceOptions, now: number): AllSourceOptions {
  if (typeof options !== 'object' || options === null) refuse('options', 'an object with a groupId', options)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const all: AllSourceOptions = { ...DEFAULTS, groupId: options.groupId, ...given }
  check(all, now)
  return all
}

function check(all: AllSourceOptions, now: number): void {
  if (typeof all.groupId !== 'string' || all.groupId === '') refuse('groupId', 'a non-empty string', all.groupId)
  expectBeginning(all.fromBeginning)
  expectUntil(all.until, now)
  if (typeof all.onNack !== 'function') expectOneOf('onNack', all.onNack, ['stop', 'skip'])
  expectOneOf('onOutOfRange', all.onOutOfRange, ['fail', 'earliest', 'latest'])
  expectOneOf('order', all.order, ORDERS)
  expectInteger('maxInFlight', all.maxInFlight, 1)
  expectInteger('maxBytes', all.maxBytes, 1)
  expectMs('commitInterval', all.commitInterval)
  if (typeof all.keepAcks !== 'boolean') refuse('keepAcks', 'a boolean', all.keepAcks)
  if (all.commit !== undefined) {
    expectTransaction('commit', all.commit)
    const expected = 'false with a transaction, which commits all of its messages or none'
    if (all.keepAcks) refuse('keepAcks', expected, all.keepAcks)
  }
  expectOneOf('onLeak', all.onLeak, ALARM_ACTIONS)
  expectMs('maxProcessing', all.maxProcessing)
  expectOneOf('onStuck', all.onStuck, ALARM_ACTIONS)
  expectMs('drainTimeout', all.drainTimeout)
  expectMs('maxWaitTimeInMs', all.maxWaitTimeInMs)
  expectMs('fetchInterval', all.fetchInterval)
  expectMs('sessionTimeout', all.sessionTimeout)
  expectMs('rebalanceTimeout', all.rebalanceTimeout)
}

function expectBeginning(from: unknown): void {
  const isDate = from instanceof Date && !Number.isNaN(from.getTime())
  if (typeof from !== 'boolean' && !isDate) refuse('fromBeginning', 'true, false or a Date', from)
}

import type { Broker } from './broker.ts'
import { expectBroker, expectInteger, expectMs, refuse } from './expect.ts'

/** Options of {@link transaction}. */
export interface TransactionOptions {
  /**
   * Messages of one partition in a transaction at most, and so in flight. A transaction that waits for nothing ends
   * earlier, and after `commitInterval` of the source it takes no more. @default 1000
   */
  readonly max?: number
  /**
   * How long one may be open, in ms, before the broker takes it back and its messages are delivered again: longer than the
   * slowest message takes with all its tries, and at most the broker's `transaction.max.timeout.ms`. @default 60_000
   */
  readonly timeout?: number
}

/** What {@link transaction} gives: for `commit` of a source, and for `transaction` of `sendTo`. */
export interface Transaction extends Required<TransactionOptions> {
  readonly kafka: Broker
  readonly id: string
}

/** Refuses an option that is not what {@link transaction} gives. */
export function expectTransaction(name: string, value: unknown): void {
  const one = value as Partial<Transaction> | null | undefined
  if (typeof one?.id === 'string' && typeof one.max === 'number' && typeof one.kafka === 'object') return
  refuse(name, 'a transaction: transaction(kafka, id)', value)
}

/** Refuses a transaction of another broker than the one it is used with. */
export function expectOf(kafka: unknown, { id, kafka: own }: Transaction): void {
  if (kafka !== own)
    refuse('kafka', `the broker of the transaction ${id}: transaction(kafka, id) with this kafka`, kafka)
}

/**
 * Has what is made of messages and the offsets of these messages committed together: a message is processed exactly once
 * as far as Kafka goes, whatever crashes.
 *
 *     orders[0]     a-b-c-----------d---
 *     sendTo        --A-B-C-----------D-
 *     transaction   [-------ABC, 3]-[--D, 4]   visible, and committed, at once
 *
 * ```ts
 * const tx = transaction(kafka, 'split-orders')
 * fromTopic(kafka, orders, { groupId: 'split-orders', commit: tx }).pipe(sendTo(kafka, lines, toLine, { transaction: tx }), ack())
 * ```
 *
 * Each partition that is read has its own transactions, one after the other, by a producer with the transactional id
 * `id-group-topic-partition`. When something fails they are taken back and the messages are delivered again from the
 * committed offset. What operators do elsewhere than in Kafka is not taken back. See docs/transactions.md.
 *
 * @param kafka the broker of the source and of `sendTo`
 * @param id the same in all processes of the group, and of no other use
 * @throws TypeError for a wrong option, at once
 */
export function transaction(kafka: Broker, id: string, options: TransactionOptions = {}): Transaction {
  expectBroker(kafka, 'consume')
  if (typeof id !== 'string' || id === '') refuse('id', 'a non-empty string', id)
  const { max = 1000, timeout = 60_000 } = options
  expectInteger('max', max, 1)
  expectMs('timeout', timeout)
  if (!Number.isInteger(timeout) || timeout === 0) refuse('timeout', 'a whole number of ms > 0', timeout)
  return { kafka, id, max, timeout }
}

import type { OutgoingMessage, SendDone } from '../../lib/broker.ts'
import type { ErrorClass } from '../../lib/errors.ts'
import { sizeOf } from './outgoing.ts'

/** Of a batch beside its messages, in bytes. */
export const BATCH = 61

/** What messages go out by. */
export type Send = (messages: readonly OutgoingMessage[], done: SendDone) => void

/** What one request is cut by, and its failures are judged by. */
export interface SendingOptions {
  readonly maxMessageBytes: number
  readonly classify: (error: unknown) => ErrorClass
}

/**
 * One row of messages on its way: in order, and no more bytes at a time than the broker takes in a batch. When some are
 * refused they go one by one, so that one bad message is one bad message. Others that fail hold up what is behind them.
 */
export class Sending {
  /** Those that failed, and with what. */
  readonly failures = new Map<OutgoingMessage, unknown>()
  /** What ended it before all were tried. */
  failure: unknown
  private readonly send: Send
  private readonly classify: (error: unknown) => ErrorClass
  private readonly done: () => void
  private readonly rows: (readonly OutgoingMessage[])[]
  private isStopped = false

  constructor(messages: readonly OutgoingMessage[], send: Send, options: SendingOptions, done: () => void) {
    this.send = send
    this.classify = options.classify
    this.done = done
    this.rows = rowsOf(messages, options.maxMessageBytes - BATCH)
  }

  start(): void {
    const row = this.rows.shift()
    if (row === undefined) return this.done()
    this.send(row, (error, refused) => {
      if (this.isStopped) return
      for (const [message, refusal] of refused) this.failures.set(message, refusal)
      if (error !== null) this.fail(row, error)
      else this.start()
    })
  }

  /** Sends nothing more. */
  stop(): void {
    this.isStopped = true
  }

  /** A table that throws can judge no failure. */
  private isPermanent(error: unknown): boolean {
    try {
      return this.classify(error) === 'permanent'
    } catch {
      return false
    }
  }

  private fail(row: readonly OutgoingMessage[], error: unknown): void {
    if (!this.isPermanent(error)) {
      this.failure = error
      for (const message of [row, ...this.rows.splice(0)].flat()) this.failures.set(message, error)
      return this.done()
    }
    const [only, ...others] = row
    if (only !== undefined && others.length === 0) this.failures.set(only, error)
    else this.rows.unshift(...row.map((message) => [message]))
    this.start()
  }
}

function rowsOf(messages: readonly OutgoingMessage[], max: number): OutgoingMessage[][] {
  const rows: OutgoingMessage[][] = []
  let row: OutgoingMessage[] = []
  let room = 0
  for (const message of messages) {
    room -= sizeOf(message)
    if (row.length === 0 || room < 0) {
      row = []
      rows.push(row)
      room = max - sizeOf(message)
    }
    row.push(message)
  }
  return rows
}

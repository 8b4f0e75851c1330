import { openSync, writeSync } from 'node:fs'

/** The place of a message, as the ledger names it. */
export interface Handled {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
}

/**
 * What a member says of its work, a line each, written at once: it outlives `kill -9`.
 *
 *     start 1700000000000 orders 3 4711 key-9
 *     end 1700000000012 orders 3 4711 key-9
 *     committed 1700000001000 [{"topic":"orders","partition":3,"offset":4712}]
 */
export class LedgerFile {
  private readonly file: number

  constructor(path: string) {
    this.file = openSync(path, 'a')
  }

  /** The work for a message begins. */
  start(message: Handled): void {
    this.writeHandled('start', message)
  }

  /** The work for a message is done; to be called before its ack. */
  end(message: Handled): void {
    this.writeHandled('end', message)
  }

  write(what: string, detail: string): void {
    writeSync(this.file, `${what} ${Date.now()} ${detail}\n`)
  }

  private writeHandled(what: string, { topic, partition, offset, key }: Handled): void {
    this.write(what, `${topic} ${partition} ${offset} ${key}`)
  }
}

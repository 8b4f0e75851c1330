import { type ChildProcess, spawn } from 'node:child_process'
import type { Books } from './books.ts'
import { Ledger } from './ledger.ts'

/** How a member process is started. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One process that reads as a member of the group. */
export class Member {
  readonly name: string
  readonly slot: number
  readonly ledger: Ledger
  readonly exited: Promise<Exit>
  exit: Exit | undefined
  /** Whether somebody wants it to end. */
  isAsked = false
  isFrozen = false
  private readonly process: ChildProcess
  private errors = ''

  constructor(name: string, slot: number, program: Program, ledger: string, books: Books) {
    this.name = name
    this.slot = slot
    this.ledger = new Ledger(ledger, name, books)
    this.process = spawn(program.command, [...program.args], {
      env: { ...process.env, ...program.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.process.stderr?.on('data', (text) => {
      this.errors = (this.errors + text).slice(-4000)
    })
    this.exited = new Promise((resolve) =>
      this.process.once('exit', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      }),
    )
  }

  get isAlive(): boolean {
    return this.exit === undefined
  }

  /** What it printed last on its standard error. */
  get lastWords(): string {
    return this.errors.trim()
  }

  freeze(): void {
    this.isFrozen = true
    this.process.kill('SIGSTOP')
  }

  thaw(): void {
    this.isFrozen = false
    this.process.kill('SIGCONT')
  }

  kill(): Promise<Exit> {
    this.isAsked = true
    this.process.kill('SIGKILL')
    return this.exited
  }

  /** Asks it to end in order. */
  end(): Promise<Exit> {
    this.isAsked = true
    this.process.kill('SIGTERM')
    return this.exited
  }
}

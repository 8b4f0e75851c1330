import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One line of a child's log. */
export interface Logged {
  /** ms since 1970 */
  readonly at: number
  readonly what: string
  readonly detail: string
}

/** A process of its own that runs an example, by a program of this folder. */
export class Child {
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  private readonly process: ChildProcess
  private readonly logFile: string
  private errors = ''
  /** Kept when its log is gone. */
  private words: string | undefined

  constructor(job: object, file = 'program.ts') {
    this.logFile = join(mkdtempSync(join(tmpdir(), 'rkt-child-')), 'log')
    const program = fileURLToPath(new URL(file, import.meta.url))
    const argument = JSON.stringify({ job, log: this.logFile })
    this.process = spawn(process.execPath, ['--import', 'tsx', program, argument], {
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    this.process.stderr?.on('data', (text) => {
      this.errors += text
    })
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })))
  }

  /** What it has logged so far. @throws Error when it has failed */
  log(): readonly Logged[] {
    if (this.process.exitCode) throw new Error(`A child ended with ${this.process.exitCode}: ${this.errors}`)
    return lines(this.logFile).map((line) => {
      const [at, what = '', ...detail] = line.split(' ')
      return { at: Number(at), what, detail: detail.join(' ') }
    })
  }

  /** What it has logged of one kind. */
  logged(what: string): readonly Logged[] {
    return this.log().filter((line) => line.what === what)
  }

  /** The last of what happened to it, for whoever looks for the cause of a failure. */
  get lastWords(): string {
    if (this.words !== undefined) return this.words
    const told = lines(this.logFile).filter((line) => !/ (acked|sent) /.test(line))
    return [...told.slice(-20), `ended: ${this.process.exitCode ?? this.process.signalCode ?? 'no'}`, this.errors].join(
      '\n',
    )
  }

  /** Stops it, or has it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.process.kill(signal)
  }

  /** Ends it by a signal to this one process, and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM') {
    this.process.kill(signal)
    return this.exited
  }

  /** Ends it if it still runs, and deletes its log. */
  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGKILL')
    this.words = this.lastWords
    rmSync(dirname(this.logFile), { recursive: true })
  }
}

/** Whole lines; the last one may be being written. */
function lines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1)
  } catch {
    return []
  }
}

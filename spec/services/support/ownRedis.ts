import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

/** Settings of redis.conf; a list where a word comes several times. */
export type RedisSettings = Readonly<Record<string, string | readonly string[]>>

/** A Redis of a spec's own, on a free port: to be killed, filled up, or made part of a cluster. */
export class OwnRedis {
  readonly port: number
  private readonly folder = mkdtempSync(join(tmpdir(), 'rkt-redis-'))
  private readonly flags: readonly string[]
  private child: ChildProcess | undefined

  private constructor(port: number, flags: readonly string[]) {
    this.port = port
    this.flags = flags
  }

  /** Starts one, and waits until it answers. */
  static async start(settings: RedisSettings = {}, flags: readonly string[] = []): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), flags)
    const all = {
      port: `${redis.port}`,
      bind: '127.0.0.1',
      dir: redis.folder,
      save: '""',
      appendonly: 'no',
      ...settings,
    }
    const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name} ${one}\n`))
    writeFileSync(redis.config, lines.join(''))
    try {
      await redis.resume()
    } catch (error) {
      await redis.close()
      throw error
    }
    return redis
  }

  /** Starts it again, after a kill. */
  async resume(): Promise<void> {
    this.child = spawn('redis-server', [this.config, ...this.flags], { stdio: 'ignore' })
    // Also one that wants a password, or its master.
    await until('Redis answers', async () => /PONG|NOAUTH|MASTERDOWN/.test(await this.ask('PING')))
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const { child } = this
    this.child = undefined
    if (child === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Stops it where it stands: it answers no more, and keeps its connections. */
  freeze(): void {
    this.child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.child?.kill('SIGCONT')
  }

  /** Sends a line, and gives what is answered, as it comes; nothing when it can't be asked. */
  ask(line: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${line}\r\n`))
      const end = (answer: string) => {
        socket.destroy()
        resolve(answer)
      }
      socket.setTimeout(1000, () => end(''))
      socket.once('data', (data) => end(data.toString()))
      socket.once('error', () => end(''))
      socket.once('close', () => end(''))
    })
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private get config(): string {
    return join(this.folder, 'redis.conf')
  }
}

/** A port below those that Linux takes for outgoing connections, with the one 10000 above it, which a cluster's bus takes. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 2000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port === port))
  })
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return free
}

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { kafkaStage, wait } from './support/kafkaStage.ts'

const COUNT = 200

describe('a process that is stopped for longer than its session', () => {
  const stage = kafkaStage()

  /** Starts the slow reader; gives what it logs. */
  function start(name: string, groupId: string) {
    const log = join(mkdtempSync(join(tmpdir(), 'rkt-stopped-')), 'log')
    const program = fileURLToPath(new URL('./support/stoppable.ts', import.meta.url))
    const argument = JSON.stringify({ name, groupId, log })
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', program, argument], { stdio: 'inherit' })
    stage().onEnd(async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      if (child.kill('SIGKILL')) await exited
      rmSync(dirname(log), { recursive: true })
    })
    const logged = (what: string) => {
      const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
      return lines.map((line) => line.split(' ')).filter(([, kind]) => kind === what)
    }
    return { child, logged: (what: string) => logged(what).map(([, , detail]) => detail) }
  }

  it('does not begin with what it had fetched, and moves no commit, once others have its partitions', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    await stage().fill(name, 0, COUNT)
    const { child, logged } = start(name, groupId)
    await stage().real.until(async () => ((await stage().real.committed(groupId, name)).get(0) ?? 0) >= 20)
    child.kill('SIGSTOP')
    await wait(200)
    const before = { start: logged('start').length, acked: logged('acked').length }
    // In flight are the ten of its window.
    expect(before.start - before.acked).toBeLessThanOrEqual(11)
    expect(before.start).toBeLessThan(COUNT / 2)

    const other = stage().source(name, { groupId, commitInterval: 100, sessionTimeout: 3000 })
    await stage().real.until(async () => {
      for (const message of other.messages) message.ack()
      return (await stage().real.committed(groupId, name)).get(0) === COUNT
    })
    child.kill('SIGCONT')
    await stage().real.until(() => logged('lost').length > 0)
    await wait(2000)
    expect(logged('start').length).toBe(before.start)
    expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, COUNT]]))
    // What perMessage makes of a message has its number after the message's id.
    const acked = logged('acked')
      .slice(0, before.acked)
      .map((id) => id?.split('.')[0])
    const seen = new Set([...acked, ...other.messages.map(({ id }) => id)])
    const all = Array.from({ length: COUNT }, (_, offset) => `${name}-0-${offset}`)
    expect(all.filter((id) => !seen.has(id))).toEqual([])
  })
})

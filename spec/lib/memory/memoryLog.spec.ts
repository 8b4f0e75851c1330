import { describe, expect, it } from 'vitest'
import { MemoryLog } from '../../../lib/memory/memoryLog.ts'

/** A log with messages at the given offsets, and its end. */
function logOf(offsets: readonly number[], end: number): MemoryLog {
  const log = new MemoryLog('t', 0)
  for (const offset of offsets) {
    log.skip(offset - log.end)
    log.append({ key: null, value: null, headers: undefined }, 0)
  }
  log.skip(end - log.end)
  return log
}

function read(log: MemoryLog, position: number, max: number): readonly [offsets: number[], nextOffset: number] {
  const { messages, nextOffset } = log.read(position, max)
  return [messages.map(({ offset }) => offset), nextOffset]
}

describe('a log', () => {
  it('reads from a position, at most so many', () => {
    const log = logOf([0, 1, 2, 3, 4], 5)
    expect(read(log, 1, 3)).toEqual([[1, 2, 3], 4])
    expect(read(log, 3, 3)).toEqual([[3, 4], 5])
    expect(read(log, 5, 3)).toEqual([[], 5])
  })

  it('reads over gaps, to the next message or the end', () => {
    const log = logOf([3, 4, 9, 20], 25)
    expect(read(log, 0, 1)).toEqual([[3], 4])
    expect(read(log, 4, 1)).toEqual([[4], 9])
    expect(read(log, 5, 1)).toEqual([[9], 20])
    expect(read(log, 10, 9)).toEqual([[20], 25])
    expect(read(log, 21, 9)).toEqual([[], 25])
  })

  it('reads what is left when the oldest messages are deleted', () => {
    const log = logOf([0, 1, 5, 6, 9], 10)
    log.trim(4)
    expect([log.start, log.end]).toEqual([4, 10])
    expect(read(log, 4, 2)).toEqual([[5, 6], 9])
    expect(read(log, 9, 2)).toEqual([[9], 10])
  })

  it('hands out the stored messages themselves', () => {
    const log = logOf([0, 1], 2)
    expect(log.read(0, 9).messages[1]).toBe(log.messages[1])
  })

  it('wakes who waits at every append', () => {
    const log = logOf([], 0)
    let woken = 0
    log.waiting.add(() => woken++)
    log.append({ key: null, value: null, headers: undefined }, 0)
    log.skip(1)
    expect(woken).toBe(2)
  })
})

import { describe, expect, it } from 'vitest'
import { Certainty } from '../../../lib/kafkajs/certainty.ts'
import { advance, virtualTime } from '../../support/virtualTime.ts'

describe('the certainty of a membership', () => {
  function start() {
    const clock = virtualTime()
    let regained = 0
    const certainty = new Certainty(clock, 1000, () => regained++)
    certainty.begin()
    return { certainty, at: (ms: number) => advance(clock, ms), regained: () => regained }
  }

  it('lasts for a session after the join', () => {
    const { certainty, at } = start()
    at(999)
    expect(certainty.isCertain).toBe(true)
    at(1000)
    expect(certainty.isCertain).toBe(false)
  })

  it('lasts for a session after the heartbeat was sent, not after its answer came', () => {
    const { certainty, at, regained } = start()
    at(5000)
    expect(certainty.isCertain).toBe(false)
    // Sent before the process was stopped: its answer waited in the socket.
    certainty.confirm(500)
    expect([certainty.isCertain, regained()]).toEqual([false, 0])
    certainty.confirm(4900)
    expect([certainty.isCertain, regained()]).toEqual([true, 1])
    at(5900)
    expect(certainty.isCertain).toBe(false)
  })

  it('tells that it is regained only when somebody has seen the doubt', () => {
    const { certainty, at, regained } = start()
    at(5000)
    certainty.confirm(5000)
    certainty.confirm(5000)
    expect(regained()).toBe(0)
  })

  it('holds for a clock that was set back, until the next heartbeat', () => {
    const { certainty, at } = start()
    certainty.confirm(900)
    at(100)
    expect(certainty.isCertain).toBe(true)
    certainty.confirm(100)
    at(1100)
    expect(certainty.isCertain).toBe(false)
  })
})

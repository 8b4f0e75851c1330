import { describe, expect, it } from 'vitest'
import type { EachBatch } from '../../../lib/kafkajs/client.ts'
import { Drain } from '../../../lib/kafkajs/drain.ts'
import { refusal } from '../../support/fakeKafkajs/fakeGroup.ts'
import { settled } from '../../support/fakeKafkajs/turns.ts'
import { HandClock } from '../../support/handClock.ts'

/** A wait before a join, and a heartbeat under way in it. */
async function beating() {
  const clock = new HandClock()
  const seen = { lost: 0, fail: (_error: Error) => {}, done: () => {} }
  const drain = new Drain(
    clock,
    3000,
    () => seen.lost++,
    () => {},
  )
  const heartbeat = () =>
    new Promise<void>((_, reject) => {
      seen.fail = reject
    })
  drain.learnHeartbeat({ heartbeat } as EachBatch)
  const member = { groupId: 'group', memberId: 'member' }
  const run = drain.run({ isConnected: () => true }, member, (done) => {
    seen.done = done
  })
  await settled()
  clock.pass(3000)
  return { seen, run }
}

describe('the wait before a join', () => {
  it('is given up when a heartbeat is fenced', async () => {
    const { seen } = await beating()
    seen.fail(refusal('ILLEGAL_GENERATION'))
    await settled()
    expect(seen.lost).toBe(1)
  })

  it('does not take the late answer to a heartbeat for one of the next membership', async () => {
    const { seen, run } = await beating()
    seen.done()
    await run
    seen.fail(refusal('ILLEGAL_GENERATION'))
    await settled()
    expect(seen.lost).toBe(0)
  })
})

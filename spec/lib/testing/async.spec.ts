import { delay, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import { perMessage } from '../../../lib/perMessage.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'

/** What a user's promises do: several in a row, none of which waits for real time. */
async function shout(name: string): Promise<string> {
  for (let i = 0; i < 10; i++) await null
  return name.toUpperCase()
}

describe('kafkaTest.async', () => {
  it(
    'sees what promises bring about, at the instant of virtual time at which they begin',
    kafkaTest.async(({ topic, time, expectOutput, expectAcks, expectCommits }) => {
      const source = topic('0: a-b')
      const result = source.pipe(perMessage(mergeMap(shout)), perMessage(delay(3, time.clock)), ack())
      expectOutput(result).toBe('---A-B', { A: 'A', B: 'B' })
      expectAcks('   0: ---a-b')
      expectCommits('0: -----2')
    }),
  )

  it(
    'crashes in the middle of a promise: what it brings about comes too late',
    kafkaTest.async(({ topic, expectOutput, expectAcks }) => {
      const source = topic(`
        0:   a-b
        ctl: --X
      `)
      expectOutput(source.pipe(perMessage(mergeMap(shout)), ack())).toBe('A-B', { A: 'A', B: 'B' })
      expectAcks('0: a-b')
    }),
  )

  it('waits for what a test awaits, and fails as a promise', async () => {
    const test = kafkaTest.async(async ({ topic, kafka, expectOutput, flush }) => {
      expectOutput(topic('0: a').pipe(ack())).toBe('-a')
      await flush()
      expect(kafka.committed('group', 'topic')).toEqual(new Map([[0, 1]]))
    })
    await expect(test()).rejects.toThrow('at 0 ms: expected nothing, got a')
  })
})

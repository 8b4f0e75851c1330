import { describe, expect, it } from 'vitest'
import { deadLetter } from '../../lib/onNack.ts'
import { replayDeadLetters } from '../../lib/replayDeadLetters.ts'
import { kafkaStage } from './support/kafkaStage.ts'
import { readTopic } from './support/topicLog.ts'

describe('replayDeadLetters', () => {
  const stage = kafkaStage()

  it('sends letters back through a real Kafka, each once, until they are exhausted', async () => {
    const { real, broker } = stage()
    const [name, failed] = [await real.topic(2), await real.topic(2)]
    await stage().fill(name, 0, 20)
    const source = stage().source(name, { groupId: real.uniqueName('group'), onNack: deadLetter(failed) })
    const failures = async (count: number) => {
      await real.until(() => source.messages.length === count)
      for (const message of source.messages) message.nack(new Error('boom'))
      await real.until(() => source.member.health().deadLettered === count)
    }
    await failures(20)
    const maxReplays = 2
    expect(await replayDeadLetters(broker, failed, { rate: 200, maxReplays })).toMatchObject({ replayed: 20 })
    await failures(40)
    expect(await replayDeadLetters(broker, failed, { maxReplays })).toMatchObject({ replayed: 20, exhausted: 0 })
    await failures(60)
    expect(await replayDeadLetters(broker, failed, { maxReplays })).toMatchObject({ replayed: 0, exhausted: 20 })

    const values = (await readTopic(real, name)).map(({ value, headers }) => `${value} ${headers['dlq.replays'] ?? 0}`)
    const expected = [0, 1, 2].flatMap((replays) => Array.from({ length: 20 }, (_, i) => `${i} ${replays}`))
    expect(values.sort()).toEqual(expected.sort())
  })

  it('says that a topic to send back to does not exist', async () => {
    const { real, broker } = stage()
    const failed = await real.topic(1)
    const headers = { 'dlq.topic': real.uniqueName('nowhere') }
    await new Promise((resolve) => broker.send([{ topic: failed, key: null, value: 'a', headers }], resolve))
    await expect(replayDeadLetters(broker, failed)).rejects.toThrow(
      new RegExp(`Cannot process ${failed}\\[0\\]@0: Cannot send to .*: the topic does not exist; create it`),
    )
  })
})

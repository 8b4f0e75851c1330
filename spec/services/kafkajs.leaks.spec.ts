import { describe, expect, it } from 'vitest'
import { collectGarbage } from '../support/collectGarbage.ts'
import { kafkaStage } from './support/kafkaStage.ts'

describe('kafkajs(kafka) and messages that nobody holds', () => {
  const stage = kafkaStage()

  it('lets go of them, also where there is no room for more', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    await stage().fill(name, 0, 200)
    const options = { groupId, maxInFlight: 100, onNack: 'skip', commitInterval: 100 } as const
    const { messages, events } = stage().source(name, options)
    await stage().real.until(async () => {
      messages.length = 0
      await collectGarbage()
      return (await stage().real.committed(groupId, name)).get(0) === 200
    })
    expect(events.filter(({ type }) => type === 'leaked')).toHaveLength(200)
  })
})

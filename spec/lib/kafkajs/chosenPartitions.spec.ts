import { describe, expect, it } from 'vitest'
import { ChosenPartitions } from '../../../lib/kafkajs/chosenPartitions.ts'
import type { ProducedMessage } from '../../../lib/kafkajs/client.ts'

const partitionMetadata = [0, 1, 2].map((partitionId) => ({ partitionId, leader: 1 }))
const made = (): ProducedMessage[] => [
  { key: null, value: 'a' },
  { key: null, value: 'b' },
  { key: 'abc', value: 'c' },
  { key: null, value: 'd', partition: 2 },
]
/** One try of a send: KafkaJS asks for each message's partition. */
function tryOnce(messages: readonly ProducedMessage[], chosen: ChosenPartitions, choose = chosen.create()) {
  return messages.map((message) => choose({ topic: 'words', partitionMetadata, message }))
}

describe('chosen partitions', () => {
  it('stay the same at every try, though messages without a key take turns', () => {
    const chosen = new ChosenPartitions()
    const choose = chosen.create()
    const messages = made()
    const first = tryOnce(messages, chosen, choose)
    expect(first).toEqual([0, 1, expect.any(Number), 2])
    expect(tryOnce(messages, chosen, choose)).toEqual(first)
    expect(choose({ topic: 'words', partitionMetadata, message: { key: null } })).toBe(2)
  })

  it("are those of the user's own partitioner, asked once", () => {
    let asked = 0
    const chosen = new ChosenPartitions(() => () => asked++ % 3)
    const messages = made()
    expect([tryOnce(messages, chosen), tryOnce(messages, chosen), asked]).toEqual([[0, 1, 2, 0], [0, 1, 2, 0], 4])
  })

  it('have to exist: it is looked for once more, then refused', () => {
    const choose = new ChosenPartitions().create()
    const message = { key: null, partition: 3 }
    const ask = (metadata = partitionMetadata) => choose({ topic: 'words', partitionMetadata: metadata, message })
    expect(() => ask()).toThrow(expect.objectContaining({ name: 'KafkaJSMetadataNotLoaded' }))
    expect(ask([...partitionMetadata, { partitionId: 3, leader: 1 }])).toBe(3)
    const other = { key: null, partition: 7 }
    const again = () => choose({ topic: 'words', partitionMetadata, message: other })
    expect(again).toThrow()
    expect(again).toThrow(
      expect.objectContaining({ name: 'PermanentError', message: 'words has 3 partitions, and none has the number 7' }),
    )
  })

  it('all have to answer', () => {
    const chosen = new ChosenPartitions()
    const messages = made()
    const [, , third] = tryOnce(messages, chosen)
    const sent = [{ topic: 'words', messages }]
    const answers = [0, 1, 2].map((partition) => ({ topicName: 'words', partition }))
    expect(() => chosen.expectWritten(sent, answers)).not.toThrow()
    const others = answers.filter(({ partition }) => partition !== third)
    expect(() => chosen.expectWritten(sent, others)).toThrow(`words[${third}] gave no answer`)
  })
})

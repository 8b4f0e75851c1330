import { murmur2 } from '../memory/murmur2.ts'
import type { Partitioner, TopicMessages, WrittenPartition } from './client.ts'

/**
 * Chooses each message's partition once. KafkaJS chooses anew at every try of a send, so that messages without a key
 * would change their places between two tries, of which the first may have written some of them.
 */
export class ChosenPartitions {
  readonly create: Partitioner
  private readonly chosen = new WeakMap<object, number>()

  constructor(createPartitioner: Partitioner = likeKafka) {
    this.create = () => {
      const choose = createPartitioner()
      return (args) => {
        const partition = this.chosen.get(args.message) ?? choose(args)
        this.chosen.set(args.message, partition)
        return partition
      }
    }
  }

  /**
   * @throws Error when a partition has not answered: KafkaJS keeps answers by broker, and leaves out what has moved to
   * one that has answered before
   */
  expectWritten(sent: readonly TopicMessages[], written: readonly WrittenPartition[]): void {
    const answered = new Set(written.map(({ topicName, partition }) => `${topicName}/${partition}`))
    for (const { topic, messages } of sent) {
      const missing = messages.find((message) => !answered.has(`${topic}/${this.chosen.get(message)}`))
      if (missing !== undefined) throw new Error(`${topic}[${this.chosen.get(missing)}] gave no answer`)
    }
  }
}

const likeKafka: Partitioner = () => {
  let turn = 0
  return ({ partitionMetadata, message: { key, partition } }) => {
    if (partition !== undefined) return partition
    const hash = key === null || key === undefined ? turn++ : murmur2(Buffer.from(key)) & 0x7fffffff
    return hash % partitionMetadata.length
  }
}

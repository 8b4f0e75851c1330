import { PermanentError } from '../errors.ts'
import { murmur2 } from '../memory/murmur2.ts'
import type { Partitioner, ProducedMessage, TopicMessages, WrittenPartition } from './client.ts'

type Choice = ReturnType<Partitioner>

/**
 * Chooses each message's partition once. KafkaJS chooses anew at every try of a send, so that messages without a key
 * would change their places between two tries, of which the first may have written some of them. The message keeps
 * the choice: a WeakMap costs the collector more than KafkaJS's own partitioner takes.
 */
export class ChosenPartitions {
  readonly create: Partitioner
  /** Messages for which a partition was not found. */
  private readonly doubted = new WeakSet<object>()

  constructor(createPartitioner: Partitioner = likeKafka) {
    this.create = () => {
      const choose = createPartitioner()
      return (args) => {
        const message = args.message as ProducedMessage
        const partition = message.chosen ?? choose(args)
        this.expectExists(partition, args)
        message.chosen = partition
        return partition
      }
    }
  }

  /**
   * @throws Error when a partition has not answered: KafkaJS keeps answers by broker, and leaves out what has moved to
   * one that has answered before
   */
  expectWritten(sent: readonly TopicMessages[], written: readonly WrittenPartition[]): void {
    for (const { topic, messages } of sent) {
      const answers = written.filter(({ topicName }) => topicName === topic)
      const answered = new Set<number | undefined>(answers.map(({ partition }) => partition))
      const missing = messages.find(({ chosen }) => !answered.has(chosen))
      if (missing !== undefined) throw new Error(`${topic}[${missing.chosen}] gave no answer`)
    }
  }

  /** KafkaJS writes nothing to a partition that it does not know, and says that it did. */
  private expectExists(partition: number, { topic, partitionMetadata, message }: Parameters<Choice>[0]): void {
    if (partitionMetadata.some(({ partitionId }) => partitionId === partition)) return
    const text = `${topic} has ${partitionMetadata.length} partitions, and none has the number ${partition}`
    if (this.doubted.has(message)) throw new PermanentError(text)
    // It may be new: at this name KafkaJS asks the broker, and tries again.
    this.doubted.add(message)
    throw Object.assign(new Error(text), { name: 'KafkaJSMetadataNotLoaded' })
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

import type { CommitPosition } from '../broker.ts'
import { CommitError } from '../errors.ts'
import type { ConsumerClient, EachBatch, TopicOffsets } from './client.ts'
import { commitError } from './errors.ts'

/** Sends offset commits of one member, each in one request under the generation of the moment. */
export class Commits {
  /** Of a fetched batch: tries once, while `consumer.commitOffsets` tries again, even under a later generation. */
  private once: EachBatch['commitOffsetsIfNecessary'] | undefined
  private underWay: Promise<void> = Promise.resolve()
  private done: ((error: CommitError | null) => void) | undefined
  private readonly client: ConsumerClient

  constructor(client: ConsumerClient) {
    this.client = client
  }

  learn({ commitOffsetsIfNecessary }: EachBatch): void {
    this.once ??= commitOffsetsIfNecessary
  }

  send(offsets: readonly CommitPosition[], done: (error: CommitError | null) => void): void {
    this.done = done
    this.underWay = this.request(offsets).then(
      () => this.answer(done, null),
      (error) => this.answer(done, commitError(error)),
    )
  }

  /** Answers what is under way: after a crash KafkaJS may go on for long with what can no longer succeed. */
  giveUp(): void {
    const { done } = this
    if (done !== undefined)
      this.answer(done, new CommitError('fenced', 'Cannot commit offsets: the membership is lost'))
  }

  /** Waited for before a join, so that no try of a commit is made under another generation than it was begun. */
  settled(): Promise<void> {
    return this.underWay
  }

  private answer(done: (error: CommitError | null) => void, error: CommitError | null): void {
    if (this.done !== done) return
    this.done = undefined
    done(error)
  }

  private request(offsets: readonly CommitPosition[]): Promise<void> {
    if (this.once !== undefined) return this.once(byTopic(offsets))
    // No batch has come: the start of an empty partition.
    return this.client.commitOffsets(offsets.map((position) => ({ ...position, offset: String(position.offset) })))
  }
}

function byTopic(offsets: readonly CommitPosition[]): TopicOffsets {
  const topics = new Map<string, { partition: number; offset: string; metadata?: string }[]>()
  for (const { topic, offset, ...place } of offsets) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ ...place, offset: String(offset) })
    topics.set(topic, partitions)
  }
  return { topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) }
}

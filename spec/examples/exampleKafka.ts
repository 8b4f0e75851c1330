import { type Observable, Subject } from 'rxjs'
import { type Broker, type MemoryBroker, memoryBroker } from 'rxjs-kafka-toolkit'
import type { TestHelpers } from '../support/marbles.ts'

/** A Kafka of one partition a topic in virtual time, with what a pipeline commits to it as an Observable. */
export interface ExampleKafka {
  readonly kafka: Broker
  readonly memory: MemoryBroker
  /** Emits each committed offset, when the broker is asked to commit it. */
  readonly commits: Observable<number>
  /** Writes values as JSON, or text as it is, to a topic when their marbles come. */
  write(topic: string, marbles: string, values: Readonly<Record<string, unknown>>): void
  /** A topic's keys and values. */
  read(topic: string): readonly unknown[]
}

export function exampleKafka({ scheduler, hot }: TestHelpers, topics: readonly string[]): ExampleKafka {
  const memory = memoryBroker({ clock: scheduler, topics: Object.fromEntries(topics.map((topic) => [topic, 1])) })
  const commits = new Subject<number>()
  return {
    kafka: watched(memory, commits),
    memory,
    commits,
    write: (topic, marbles, values) => {
      hot(marbles, values).subscribe((value) => {
        memory.send([{ topic, key: 'k', value: typeof value === 'string' ? value : JSON.stringify(value) }], () => {})
      })
    },
    read: (topic) =>
      memory.messages(topic).map(({ key, value }) => ({ key: key && String(key), value: JSON.parse(String(value)) })),
  }
}

function watched(memory: MemoryBroker, commits: Subject<number>): Broker {
  const { clock, members } = memory
  return {
    clock,
    members,
    random: () => 0,
    send: (messages, done) => memory.send(messages, done),
    consume: (options, handler) => {
      const consumer = memory.consume(options, handler)
      return {
        get isCertain() {
          return consumer.isCertain
        },
        commit: (offsets, done) => {
          for (const { offset } of offsets) commits.next(offset)
          consumer.commit(offsets, done)
        },
        pause: (partition) => consumer.pause(partition),
        resume: (partition) => consumer.resume(partition),
        seek: (position) => consumer.seek(position),
        leave: (done) => consumer.leave(done),
      }
    },
  }
}

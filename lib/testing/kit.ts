import type { Observable } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import type { MemoryBroker } from '../memory/memoryBroker.ts'
import type { Message } from '../message.ts'
import type { Topic } from '../topic.ts'
import { playControl } from './control.ts'
import { type Drawing, readDrawing } from './drawing.ts'
import { coldOn, type DrawnValues, hotOn } from './drawnObservable.ts'
import { type DrawnTopicOptions, DrawnTopics } from './drawnTopics.ts'
import { outputLane } from './outputLane.ts'
import { messageLanes, offsetLanes, type PartitionLane } from './partitionLanes.ts'
import type { PipeOf } from './pipe.ts'
import type { Stage } from './stage.ts'

/** What a test draws and expects. Every time is virtual, in ms from the start of the test. */
export interface Kit {
  /** A Kafka in virtual time: give it to the pipeline under test. It holds the topics that the test draws. */
  readonly kafka: MemoryBroker
  /** The clock of the test, for whoever waits: a `TestScheduler`, and what draws on it. */
  readonly time: {
    readonly clock: TestScheduler
    cold<T = string>(marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T>
  }
  /**
   * Draws a topic, a lane a partition, and what happens to its reader. Offsets are places in the lane; a message's value
   * is what `values` has under its name, or the name. Without a topic of your own, one named `topic`.
   *
   *     0:   a-b-c
   *     1:   -x 3s y
   *     ctl: ---X      X crash and restart, S drain, R revoked, L lost, A assigned again, P broker away, B back
   *
   * @returns the topic's messages, read as group `group`; a pipeline that reads the topic itself does not need them
   */
  topic<T = string>(
    drawing: string,
    values?: Readonly<Record<string, T>>,
    options?: DrawnTopicOptions<T>,
  ): Observable<Message<T>>
  topic<T>(
    topic: Topic<T> | string,
    drawing: string,
    values?: Readonly<Record<string, T>>,
    options?: DrawnTopicOptions<T>,
  ): Observable<Message<T>>
  /** Emits as drawn, from when it is subscribed to. */
  cold<T = string>(marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T>
  /** Emits as drawn, from the start of the test. */
  hot<T = string>(marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T>
  /**
   * Runs a pipe from the start of the test; after a crash it is subscribed to again. Give a function, which is called
   * again then, where the pipe is made with a state of its own.
   */
  expectOutput<T>(pipe: PipeOf<T>): ExpectedOutput
  /** Expects messages to be acked, by their names: a lane a partition. */
  expectAcks(drawing: string): void
  /** Expects messages to be nacked, by their names: a lane a partition. */
  expectNacks(drawing: string): void
  /** Expects offsets to become committable, each at the instant of the ack that does it: a lane a partition. */
  expectCommittable(drawing: string, offsets?: Readonly<Record<string, number>>): void
  /**
   * Expects the broker to take commits: after the interval, or when nothing is in flight. A lane a partition; an offset
   * is the next one to read, as Kafka stores it, a digit or a name of `offsets`.
   */
  expectCommits(drawing: string, offsets?: Readonly<Record<string, number>>): void
}

/** What a pipe is expected to emit. */
export interface ExpectedOutput {
  /**
   * @param values what the characters stand for; else they are the messages of that name
   * @param error what `#` is: an error, or a part of its text; any when left out
   */
  toBe(marbles: string, values?: Readonly<Record<string, unknown>>, error?: unknown): void
}

/** Makes the kit of a test. */
export function kitOn(stage: Stage): Kit {
  const { kafka, time } = stage
  const topics = new DrawnTopics(kafka, (work, at) => stage.later(work, at))
  const cold: Kit['cold'] = (marbles, values, error) => coldOn(time, marbles, values, error)
  const expectLanes = (what: string, drawing: string, called: Called, lanesOf: (drawing: Drawing) => Lanes) => {
    const read = readDrawing(drawing, what)
    stage.expect(() => lanesOf(read).map((lane) => ({ ...lane, title: `${what} of ${lane.place}` })), called)
  }
  const kit: Kit = {
    kafka,
    time: { clock: time, cold },
    topic: <T>(...args: readonly unknown[]) => {
      const [topic, drawing, values = {}, options = {}] = topicArguments<T>(args)
      const lanes = readDrawing(drawing, 'topic')
      const source = topics.draw(topic, lanes, values, options)
      playControl(stage, lanes.get('ctl') ?? [])
      return source
    },
    cold,
    hot: (marbles, values, error) => hotOn(time, marbles, values, error),
    expectOutput: (made) => {
      const pipe = stage.run(made)
      const toBe: ExpectedOutput['toBe'] = (marbles, values = {}, error) => {
        const named = () => new Map([...Object.entries(values), ...unnamed(topics.values, values)])
        stage.expect(
          () => [{ ...outputLane({ marbles, values: named(), error }, pipe.emissions), title: 'output' }],
          toBe,
        )
      }
      return { toBe }
    },
    expectAcks: (drawing) =>
      expectLanes('acks', drawing, kit.expectAcks, (read) => messageLanes(read, kafka.journal.of('acked'), topics)),
    expectNacks: (drawing) =>
      expectLanes('nacks', drawing, kit.expectNacks, (read) => messageLanes(read, kafka.journal.of('nacked'), topics)),
    expectCommittable: (drawing, offsets = {}) =>
      expectLanes('committable offsets', drawing, kit.expectCommittable, (read) =>
        offsetLanes(read, offsets, kafka.journal.of('committable'), topics),
      ),
    expectCommits: (drawing, offsets = {}) =>
      expectLanes('commits', drawing, kit.expectCommits, (read) =>
        offsetLanes(read, offsets, kafka.journal.of('committed'), topics),
      ),
  }
  return kit
}

type Called = (...args: never[]) => unknown
type Lanes = readonly PartitionLane[]
type Named<T> = Readonly<Record<string, T>>

/** The topic is left out, or it comes before the drawing. */
function topicArguments<T>(args: readonly unknown[]) {
  const all = typeof args[1] === 'string' ? args : [undefined, ...args]
  return all as [Topic<T> | string | undefined, string, Named<T>?, DrawnTopicOptions<T>?]
}

/** The names of messages that a test gives no other meaning. */
function unnamed(messages: ReadonlyMap<string, unknown>, values: Named<unknown>): [string, unknown][] {
  return [...messages].filter(([name]) => !(name in values))
}

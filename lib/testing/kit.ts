import { map, type Observable } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import type { MemoryBroker } from '../memory/memoryBroker.ts'
import type { Message } from '../message.ts'
import type { Topic } from '../topic.ts'
import { playControl } from './control.ts'
import { readDrawing } from './drawing.ts'
import { type DrawnTopicOptions, DrawnTopics } from './drawnTopics.ts'
import { type Expectations, expectationsOn } from './expectations.ts'
import { coldOn } from './fakes/coldOn.ts'
import { type FakeHttp, fakeHttp } from './fakes/fakeHttp.ts'
import { sentTo } from './findings.ts'
import { type DrawnValues, hotOn } from './hotOn.ts'
import { outputLane } from './outputLane.ts'
import type { Emission, PipeOf } from './pipe.ts'
import type { Stage } from './stage.ts'

/** What a test draws, runs and expects. Every time is virtual, in ms from the start of the test. */
export interface Kit extends Expectations {
  /** A Kafka in virtual time: give it to the pipeline under test. It holds the topics that the test draws. */
  readonly kafka: MemoryBroker
  /** The clock of the test, for whoever waits: a `TestScheduler`; and what draws on it. */
  readonly time: KitTime
  /** A fake HTTP server, on that clock. */
  readonly http: FakeHttp
  /**
   * Draws a topic, a lane a partition, and what happens to the process that reads it. Offsets are places in the lane; a
   * message's value is what `values` has under its name, or the name; bytes are written as they are. Without a topic of
   * your own it is one named `topic`, with values of any kind.
   *
   *     0:   a-b-c
   *     1:   -x 3s y
   *     ctl: ---X      X crash and restart, S drain, R revoked, L lost, A assigned again, P broker away, B back
   *
   * At one instant messages come first, then the control lane, then all that was due before.
   *
   * @returns the topic's messages, read as group `group`; a pipeline that reads the topic by itself does not need them
   */
  topic<T = string>(drawing: string, values?: DrawnValues<T>, options?: DrawnTopicOptions<T>): Observable<Message<T>>
  topic<T = string>(
    topic: Topic<T> | string,
    drawing: string,
    values?: DrawnValues<T>,
    options?: DrawnTopicOptions<T>,
  ): Observable<Message<T>>
  /** Emits as drawn, from when it is subscribed to. */
  cold: KitTime['cold']
  /** Emits as drawn, from the start of the test. */
  hot<T = string>(marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T>
  /**
   * Runs a pipe from the start of the test; after a crash it is subscribed to again. Give a function, which is called
   * again then, where a pipe is made with a state of its own. Without `toBe` the pipe only runs, and may not error.
   */
  expectOutput<T>(pipe: PipeOf<T>): ExpectedOutput
  /** Expects what a server is asked, when it is: `calls` of a fake. The values are the names of the calls. */
  expectCalls(server: { readonly calls: Observable<{ readonly name: string }> }): Expected
  /** Expects what pipelines send to a topic. Values that are no message's: what the topic's codec makes of the bytes. */
  expectSent<T>(topic: Topic<T> | string): Expected
  /**
   * Says which messages are not settled at the end, by their names: a lane a partition. With any other the test fails, as
   * it does with consumers that do not leave, and with timers that are left.
   */
  expectUnsettled(drawing: string): void
  /** The same expectations, of one group. */
  group(groupId: string): Expectations
}

/** The time of a test. */
export interface KitTime {
  readonly clock: TestScheduler
  cold<T = string>(marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T>
}

/** What is expected to come, one after the other. */
export interface Expected {
  /** @param values what the characters stand for; else they are the messages of that name, or themselves */
  toBe(marbles: string, values?: DrawnValues<unknown>): void
}

/** What a pipe is expected to emit. */
export interface ExpectedOutput {
  /**
   * @param values what the characters stand for; else they are the messages of that name, or themselves
   * @param error what `#` is: an error, or a part of its text; any when left out
   */
  toBe(marbles: string, values?: DrawnValues<unknown>, error?: unknown): void
}

/** A kit, and what its messages are called. */
export interface MadeKit {
  readonly kit: Kit
  readonly topics: DrawnTopics
}

/** Makes the kit of a test. */
export function kitOn(stage: Stage): MadeKit {
  const { kafka, time } = stage
  const later = (work: () => void, at: number) => stage.later(work, at)
  const topics = new DrawnTopics(kafka, later)
  const cold: Kit['cold'] = (marbles, values, error) => coldOn(time, marbles, values, error)
  const expectOf = ({ title, emissions, isOfValues = true, asked = () => {} }: Expectable): ExpectedOutput => {
    const toBe: ExpectedOutput['toBe'] = (marbles, values = {}, error) => {
      asked()
      const named = () => new Map([...Object.entries(values), ...(isOfValues ? topics.valuesBeside(values) : [])])
      stage.expect(() => [{ title, ...outputLane({ marbles, values: named(), error }, emissions()) }], toBe)
    }
    return { toBe }
  }
  let http: FakeHttp | undefined
  const kit: Kit = {
    ...expectationsOn(stage, topics),
    kafka,
    time: { clock: time, cold },
    get http() {
      http ??= fakeHttp(time)
      return http
    },
    topic: <T>(...args: readonly unknown[]) => {
      const [topic, drawing, values = {}, options = {}] = topicArguments<T>(args)
      const lanes = readDrawing(drawing, 'topic')
      const source = topics.draw(topic, lanes, values, options)
      playControl(stage, lanes.get('ctl') ?? [])
      return source
    },
    cold,
    hot: (marbles, values, error) => hotOn(later, marbles, values, error),
    expectOutput: (made) => {
      const pipe = stage.run(made)
      const asked = () => {
        pipe.isExpected = true
      }
      return expectOf({ title: 'output', emissions: () => pipe.emissions, asked })
    },
    expectCalls: ({ calls }) => {
      const emissions = stage.watch(calls.pipe(map(({ name }) => name)))
      return expectOf({ title: 'calls', emissions: () => emissions, isOfValues: false })
    },
    expectSent: (topic) => {
      const { name } = typeof topic === 'string' ? { name: topic } : topic
      const emissions = () => sentTo(topic, kafka.journal.of(['sent']))
      return expectOf({ title: `messages sent to ${name}`, emissions })
    },
    expectUnsettled: (drawing) => {
      for (const [label, marks] of readDrawing(drawing, 'unsettled'))
        for (const { name } of marks) for (const place of topics.placesOf(label, name)) stage.unsettled.add(place)
    },
    group: (groupId) => expectationsOn(stage, topics, groupId),
  }
  return { kit, topics }
}

/** What is looked at as one lane. */
interface Expectable {
  readonly title: string
  readonly emissions: () => readonly Emission[]
  /** Whether what comes may be the values of messages. */
  readonly isOfValues?: boolean
  /** Hears that something is expected of it. */
  readonly asked?: () => void
}

/** The topic is left out, or it comes before the drawing. */
function topicArguments<T>(args: readonly unknown[]) {
  const all = typeof args[1] === 'string' ? args : [undefined, ...args]
  return all as [Topic<T> | string | undefined, string, DrawnValues<T>?, DrawnTopicOptions<T>?]
}

import type { Observable } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import type { MemoryBroker } from '../memory/memoryBroker.ts'
import type { Message } from '../message.ts'
import type { Topic } from '../topic.ts'
import type { DrawnTopicOptions } from './drawnTopics.ts'
import type { Expectations } from './expectations.ts'
import type { FakeEs } from './fakes/es/fakeEs.ts'
import type { FakeHttp } from './fakes/fakeHttp.ts'
import type { FakeInflux } from './fakes/influx/fakeInflux.ts'
import type { FakeRedis } from './fakes/redis/fakeRedis.ts'
import type { DrawnValues } from './hotOn.ts'
import type { PipeOf } from './pipe.ts'

/** What a test draws, runs and expects. Every time is virtual, in ms from the start of the test. */
export interface Kit extends Expectations {
  /** A Kafka in virtual time: give it to the pipeline under test. It holds the topics that the test draws. */
  readonly kafka: MemoryBroker
  /** The clock of the test, for whoever waits: a `TestScheduler`; and what draws on it. */
  readonly time: KitTime
  /** Fake servers on that clock, for the operators; as they are until told otherwise, they answer at once. */
  readonly http: FakeHttp
  readonly redis: FakeRedis
  readonly influx: FakeInflux
  readonly es: FakeEs
  /**
   * Draws a topic, a lane a partition, and what happens to the process that reads it. Offsets are places in the lane; a
   * message's value is what `values` has under its name, or the name; bytes are written as they are. Without a topic of
   * your own it is one named `topic`, with values of any kind.
   *
   *     0:   a-b-c
   *     1:   -x 3s y
   *     ctl: ---X      X crash and restart, S drain, R revoked, L lost, A assigned again, P broker away, B back
   *
   * A lane `ctl[1]:` has R, L and A of that partition alone.
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

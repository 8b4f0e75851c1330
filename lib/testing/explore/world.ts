import type { Observable } from 'rxjs'
import type { Topic } from '../../topic.ts'
import { playControl } from '../control.ts'
import type { DrawnTopicOptions, DrawnTopics } from '../drawnTopics.ts'
import { exhaust } from '../exhaust.ts'
import type { Call } from '../fakes/scripted.ts'
import type { Kit } from '../kit.ts'
import { kitOn } from '../kitOn.ts'
import type { Mark } from '../marbles.ts'
import type { Emission } from '../pipe.ts'
import { Stage } from '../stage.ts'
import type { TestBroker } from '../testBroker.ts'
import { VirtualTime } from '../virtualTime.ts'
import { FAULTS, type Life } from './life.ts'

/**
 * When a life ends, in ms: every fault is over in 10 s, a request fails 12 times at most, and waits 30 s for its next try.
 * What goes on for ever, as `bufferTime` does, goes on until then.
 */
const HORIZON = 900_000

/** What a pipeline under exploration is given: a Kafka and servers, in virtual time. */
export type World = Pick<Kit, 'kafka' | 'time' | 'cold' | 'http' | 'redis' | 'es' | 'influx'>

/** What is explored. */
export interface Subject<T> {
  pipeOf(world: World): Observable<unknown>
  prepare(world: World): void
  readonly topic: Topic<T> | string
  readonly values: Readonly<Record<string, T>>
  readonly partitions: number
  readonly carried: Pick<DrawnTopicOptions<T>, 'key' | 'headers' | 'timestamp'>
}

/** What became of a life. */
export interface Seen {
  readonly kafka: TestBroker
  readonly topics: DrawnTopics
  readonly emissions: readonly Emission[]
  /** Of each server that keeps what it is told, what it was asked. */
  readonly calls: ReadonlyMap<string, readonly Call<unknown>[]>
  readonly control: readonly Mark[]
}

/** Lives a life from its beginning until nothing is left to do. */
export function live<T>(life: Life, { pipeOf, prepare, topic, values, partitions, carried }: Subject<T>): Seen {
  const time = new VirtualTime()
  return time.run(() => {
    const stage = new Stage(time, HORIZON)
    // Nobody asks what was committable when; looking after each action costs as much as all the rest.
    time.looked = () => {}
    const { kit, topics } = kitOn(stage)
    prepare(kit)
    setAnswers(kit, life)
    const lanes = Array.from({ length: partitions }, (_, partition): [string, readonly Mark[]] => [
      String(partition),
      life.arrivals.filter((arrival) => arrival.partition === partition),
    ])
    topics.draw(topic, new Map(lanes), values, carried)
    const control = controlOf(life)
    playControl(stage, control)
    const { emissions } = stage.run(() => pipeOf(kit))
    exhaust(stage.play())
    const { kafka } = stage
    const calls = new Map<string, readonly Call<unknown>[]>([
      ['redis', kit.redis.log],
      ['http', kit.http.log],
    ])
    const seen = { kafka, topics, emissions: [...emissions], calls, control }
    exhaust(stage.end())
    time.clear()
    return seen
  })
}

function setAnswers({ redis, http, es, influx }: World, { answers, isDone }: Life): void {
  const drawings = answers.map(({ ms, fails }) => `${ms}ms ${fails ? '#' : '(r|)'}`)
  for (const server of [redis, http, es, influx])
    if (drawings.length > 0) server.replies(...drawings, { '#': isDone ? server.errors.lost : server.errors.transient })
}

function controlOf({ ordeals }: Life): readonly Mark[] {
  const marks = ordeals.flatMap(({ fault, at, lasts }) => {
    const [begin, end] = FAULTS[fault]
    return [{ at, name: begin }, ...(end === undefined ? [] : [{ at: at + lasts, name: end }])]
  })
  return marks.sort((a, b) => a.at - b.at)
}

import { map } from 'rxjs'
import type { Topic } from '../topic.ts'
import { playControl } from './control.ts'
import { readDrawing } from './drawing.ts'
import { type DrawnTopicOptions, DrawnTopics } from './drawnTopics.ts'
import { expectationsOn } from './expectations.ts'
import { coldOn } from './fakes/coldOn.ts'
import { fakeEs } from './fakes/es/fakeEs.ts'
import { fakeHttp } from './fakes/fakeHttp.ts'
import { fakeInflux } from './fakes/influx/fakeInflux.ts'
import { fakeRedis } from './fakes/redis/fakeRedis.ts'
import { sentTo } from './findings.ts'
import { type DrawnValues, hotOn } from './hotOn.ts'
import type { ExpectedOutput, Kit } from './kit.ts'
import { readMarbles } from './marbles.ts'
import { outputLane } from './outputLane.ts'
import type { Emission } from './pipe.ts'
import type { Stage } from './stage.ts'

/** A kit, and what its messages are called. */
export interface MadeKit {
  readonly kit: Kit
  readonly topics: DrawnTopics
}

/** Makes the kit of a test. */
export function kitOn(stage: Stage): MadeKit {
  const { kafka, time } = stage
  const later = (work: () => void, at: number) => stage.later(work, at)
  const topics = new DrawnTopics(kafka, later, (marks, partition) => playControl(stage, marks, partition))
  const cold: Kit['cold'] = (marbles, values, error) => coldOn(time, marbles, values, error)
  const expectOf = ({ title, emissions, isOfValues = true, asked = () => {} }: Expectable): ExpectedOutput => {
    const toBe: ExpectedOutput['toBe'] = (marbles, values = {}, error) => {
      asked()
      const marks = readMarbles(marbles, 'marbles')
      const named = () => new Map([...Object.entries(values), ...(isOfValues ? topics.valuesBeside(values) : [])])
      stage.expect(() => [{ title, ...outputLane({ marks, values: named(), error }, emissions()) }], toBe)
    }
    return { toBe }
  }
  const kit: Kit = {
    ...expectationsOn(stage, topics),
    kafka,
    time: { clock: time, cold },
    http: fakeHttp(time),
    redis: fakeRedis(time),
    influx: fakeInflux(time),
    es: fakeEs(time),
    topic: <T>(...args: readonly unknown[]) => {
      const [topic, drawing, values = {}, options = {}] = topicArguments<T>(args)
      return topics.draw(topic, readDrawing(drawing, 'topic', 'topic'), values, options)
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

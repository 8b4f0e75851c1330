import type { Observable } from 'rxjs'
import { expectInteger, refuse } from '../../expect.ts'
import type { Topic } from '../../topic.ts'
import type { DrawnTopicOptions } from '../drawnTopics.ts'
import { drawLife } from './drawLife.ts'
import { effectsOf } from './effects.ts'
import { brokenLaw, type Expected, pipeError } from './laws.ts'
import { calmLife, FAULTS, type Fault, type Life, livesOf } from './life.ts'
import { live, type Subject, type World } from './world.ts'

/** What is explored, and how much. */
export interface ExploreOptions<T> extends Pick<DrawnTopicOptions<T>, 'key' | 'headers' | 'timestamp'> {
  /** The topic that the pipeline reads. */
  readonly topic: Topic<T> | string
  /** The messages that may come, by their names, a character each: every life has some of them, in some order. */
  readonly values: Readonly<Record<string, T>>
  /** Partitions of the topic. @default 2 */
  readonly partitions?: number
  /** Before a life: creates topics that are sent to, puts into servers what is looked up there. */
  readonly prepare?: (world: World) => void
  /** What may happen beside answers that are late or do not come. @default all */
  readonly faults?: readonly Fault[]
  /** Whether messages of a key take effect in their order. @default true */
  readonly order?: boolean
  /** Lives that are tried. @default 100 */
  readonly runs?: number
  /** Has the lives of an earlier run again: both are in the message of its failure. @default by the clock */
  readonly seed?: number
  readonly path?: string
}

/**
 * Makes a test that lives many random lives of a pipeline, in virtual time: messages in some partitions and at some
 * instants, servers that are slow or do not answer, crashes, rebalances, a broker that is away. In the end all is calm;
 * then every message is committed and has had the effects that it has when it comes alone (requests served by `redis`
 * and `http`, messages sent, values emitted), those of one key in their order, and no committed offset has gone back.
 *
 * ```ts
 * it('loses nothing', explore(({ kafka, redis }) => saveActivities(kafka, redis), { topic: activities, values, key }))
 * ```
 *
 * For vitest, jest and node:test; needs `fast-check`, an optional peer. Promises in a pipe are not waited for.
 *
 * @throws TypeError for a wrong option, at once
 * @throws Error, when the test runs, with the law that is broken and the smallest life found that breaks it, as lanes
 */
export function explore<T>(
  pipeOf: (world: World) => Observable<unknown>,
  options: ExploreOptions<T>,
): () => Promise<void> {
  const { topic, values, partitions = 2, prepare = () => {}, faults = ALL, order = true, runs = 100 } = options
  const names = Object.keys(values)
  expectInteger('partitions', partitions, 1)
  expectInteger('runs', runs, 1)
  if (names.length === 0) refuse('values', 'some messages by their names', values)
  const subject: Subject<T> = { pipeOf, prepare, topic, values, partitions, carried: options }
  return async () => {
    const fc = await fastCheck()
    const expected = expectedOf(subject, names, order, options.key)
    const judge = (life: Life) => brokenLaw(life, live(life, subject), expected)
    const property = fc.property(livesOf(fc, { names, partitions, faults }), (life) => {
      const broken = judge(life)
      if (broken !== undefined) throw new Error(broken)
    })
    const { seed, path } = options
    const result = fc.check(property, { numRuns: runs, ...given({ seed, path }) })
    if (!result.failed) return
    const [life] = result.counterexample as [Life]
    const again = `seed: ${result.seed}, path: '${result.counterexamplePath}'`
    const head = `${judge(life)}\n\nThe smallest life that shows it, of ${result.numRuns} (again: explore(…, { ${again} })):`
    throw new Error(`${head}\n\n${indented(drawLife(life, live(life, subject), expected.effects))}`)
  }
}

const ALL = Object.keys(FAULTS) as Fault[]

async function fastCheck() {
  try {
    return await import('fast-check')
  } catch (cause) {
    throw new Error('Cannot explore without fast-check, which draws the lives: npm install --save-dev fast-check', {
      cause,
    })
  }
}

/** Sees what each message does when it comes alone. @throws Error when a pipe fails even then */
function expectedOf<T>(
  subject: Subject<T>,
  names: readonly string[],
  isOrdered: boolean,
  key: ExploreOptions<T>['key'],
): Expected {
  const topic = typeof subject.topic === 'string' ? subject.topic : String(subject.topic.name)
  const effects = new Map(
    names.map((name) => {
      const life = calmLife(name)
      const seen = live(life, subject)
      const failure = pipeError(seen)
      if (failure !== undefined) throw new Error(`Cannot explore: with ${name} alone, and no fault, ${failure}`)
      return [name, effectsOf(seen, topic)]
    }),
  )
  const keyOf = (name: string) =>
    (typeof key === 'function' ? key(subject.values[name] as T, name) : key?.[name]) ?? null
  return { topic, effects, keyOf, isOrdered }
}

function given(options: { readonly seed: number | undefined; readonly path: string | undefined }) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}

import {
  bufferTime,
  catchError,
  EMPTY,
  filter,
  from,
  ignoreElements,
  map,
  mergeMap,
  type Observable,
  of,
  switchMap,
  tap,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { text } from '../../../../lib/codec.ts'
import { fromTopic } from '../../../../lib/fromTopic.ts'
import type { Message } from '../../../../lib/message.ts'
import { type OnNack, retry } from '../../../../lib/onNack.ts'
import { perMessage } from '../../../../lib/perMessage.ts'
import { type ExploreOptions, explore, type World } from '../../../../lib/testing/index.ts'
import { topic } from '../../../../lib/topic.ts'
import { filterValue, tapValue } from '../../../../lib/values.ts'
import { lines } from '../failureOf.ts'

const names = topic('names', text)
const values = Object.fromEntries([...'abcdef'].map((name) => [name, name]))
const options: ExploreOptions<string> = { topic: names, values, key: () => 'k', runs: 1000, seed: 1 }

type Pipe = (source: Observable<Message<string>>, world: World) => Observable<unknown>

const again = retry({ delay: 50, attempts: 100 })

/** The pipe's topic, read so that what fails is delivered once more. */
function reading(pipe: Pipe, onNack: OnNack = again) {
  return (world: World) => pipe(fromTopic(world.kafka, names, { groupId: 'g', onNack, order: 'key' }), world)
}

/** The effect of a message: a request that is served once. */
const post = ({ http }: World, body: string) => http.fetch('http://server', { method: 'POST', body })

async function failureOf(test: () => Promise<void>): Promise<string> {
  try {
    await test()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('Expected the test to fail')
}

const right: Pipe = (source, world) => source.pipe(perMessage(mergeMap((name) => post(world, name))), ack())

describe('explore', () => {
  it('finds nothing wrong with a pipe that acks after the effect', explore(reading(right), { ...options, runs: 200 }))

  it.each<[mistake: string, pipe: Pipe, law: RegExp, onNack?: OnNack]>([
    [
      'an ack before the effect',
      (source, world) =>
        source.pipe(
          ack(),
          mergeMap((name) => post(world, name).pipe(catchError(() => EMPTY))),
        ),
      /is committed and lost: it never did http/,
    ],
    [
      'a plain filter, which holds the commit',
      (source, world) => right(source.pipe(filter(({ value }) => value !== 'c')), world),
      /is never committed/,
    ],
    [
      'a switchMap, which drops what is under way',
      (source, world) =>
        source.pipe(
          switchMap((message) => post(world, message.value).pipe(map(() => message))),
          ack(),
        ),
      /is never committed|the pipe errors/,
    ],
    [
      'an error that is swallowed',
      (source, world) =>
        source.pipe(perMessage(mergeMap((name) => post(world, name).pipe(catchError(() => EMPTY)))), ack()),
      /is committed and lost/,
    ],
    [
      'an effect that nobody waits for',
      (source, world) =>
        source.pipe(
          tapValue((name) => void post(world, name).subscribe({ error: () => {} })),
          ack(),
        ),
      /is committed and lost/,
    ],
    [
      'a buffer of what is acked',
      (source, world) =>
        source.pipe(
          ack(),
          bufferTime(100, world.time.clock),
          mergeMap((batch) => from(batch).pipe(mergeMap((name) => post(world, name)))),
        ),
      /is committed and lost|the pipe errors/,
    ],
    [
      'a mark of what is done, set before it is done',
      (() => {
        let lastWorld: World | undefined
        let done = new Set<string>()
        return (source, world) => {
          // What is marked outlives the process, as in a database.
          if (world !== lastWorld) done = new Set()
          lastWorld = world
          const isNew = (name: string) => !done.has(name) && done.add(name) !== undefined
          return right(source.pipe(filterValue(isNew)), world)
        }
      })(),
      /is committed and lost/,
    ],
    ['a failure that is skipped', right, /is committed and lost/, 'skip'],
    [
      'an order by key that is not kept',
      (source, world) =>
        source.pipe(
          perMessage(
            mergeMap((name) => of(name).pipe(mergeMap(() => post(world, name)))),
            { order: 'none' },
          ),
          ack(),
        ),
      /takes effect after .*, which has its key/,
    ],
  ])('finds %s', async (mistake, pipe, law, onNack = again) => {
    const source = (world: World) =>
      fromTopic(world.kafka, names, {
        groupId: 'g',
        onNack,
        ...(mistake.startsWith('an order') ? {} : { order: 'key' }),
      })
    expect(await failureOf(explore((world) => pipe(source(world), world), options))).toMatch(law)
  })

  it('draws the smallest life that breaks a law, and says how to have it again', async () => {
    const pipe = reading((source, world) =>
      source.pipe(
        ack(),
        mergeMap((name) => post(world, name).pipe(catchError(() => EMPTY))),
        ignoreElements(),
      ),
    )
    const failure = await failureOf(explore(pipe, options))
    const [, path] = /seed: 1, path: '([\d:]+)'/.exec(failure) ?? []
    expect(failure.replace(`${path}`, '…').replace(/of \d+/, 'of n')).toBe(
      lines(`
        a (names[0]@0) is committed and lost: it never did http a

        The smallest life that shows it, of n (again: explore(…, { seed: 1, path: '…' })):

          0:          a
          http        #
          commits 0:  1
          answers of each server: none after 0 ms
      `),
    )
    expect(await failureOf(explore(pipe, { ...options, path: path as string }))).toMatch(
      /a \(names\[0\]@0\) is committed and lost/,
    )
  })

  it('refuses a pipe that fails without any fault', async () => {
    const pipe = reading((source) =>
      source.pipe(
        tap(() => {
          throw new Error('boom')
        }),
        ack(),
      ),
    )
    expect(await failureOf(explore(pipe, options))).toBe(
      'Cannot explore: with a alone, and no fault, the pipe errors at 0 ms: Error: boom',
    )
  })

  it('refuses a pipe that reads nothing', async () => {
    expect(await failureOf(explore(() => EMPTY, options))).toContain(
      'the pipe reads nothing of the broker that it is given',
    )
  })

  it('refuses wrong options, at once', () => {
    expect(() => explore(reading(right), { ...options, runs: 0 })).toThrow(
      'Expected `runs` to be an integer >= 1, got `0` (number)',
    )
    expect(() => explore(reading(right), { ...options, values: {} })).toThrow('Expected `values` to be some messages')
  })
})

import { firstValueFrom, from, tap } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { type RedisLike, type ZaddDedupe, type ZaddEntry, type ZaddToOptions, zaddTo } from '../../operators/index.ts'
import { throughOperator } from '../services/support/throughOperator.ts'

/** A Redis that a suite may ask. */
export interface RedisHarness {
  readonly redis: RedisLike
  /** Does one command, apart from what is tested. */
  run(...words: string[]): Promise<unknown>
  /** The name of a key that no other spec uses. */
  key(name: string): string
  /** One that can be asked, but only says no: a client without the right to, or one without a server. */
  failing(how: 'fatal' | 'lost'): RedisLike
}

type Words = readonly (string | number)[]

const WRONGTYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'

/** The fourth message is the first that has come again. */
const ONCE: ZaddDedupe<ZaddEntry> = { ttl: 1000, by: (_, { offset }) => `${offset % 3}` }

/** What a Redis does behind a client: the fake one, and a real one through ioredis. */
export function redisSuite(name: string, setup: () => RedisHarness): void {
  describe(name, () => {
    let on: RedisHarness
    let k: string
    beforeEach(() => {
      on = setup()
      k = on.key(expect.getState().currentTestName ?? '')
    })

    /** What a pipeline replies, an error as its text. */
    const ask = async (...commands: Words[]) => {
      const replies = await firstValueFrom(from(on.redis.pipeline(commands.map((words) => [...words])).exec()))
      return (replies ?? []).map(([error, reply]) => {
        if (error === null) return Array.isArray(reply) ? reply.map(textOf) : reply
        expect(error.name).toBe('ReplyError')
        return textOf(error)
      })
    }
    const textOf = (reply: unknown) => (reply instanceof Error ? `${reply.name}: ${reply.message}` : reply)
    const scores = async () => {
      const words = (await on.run('zrange', k, '0', '-1', 'withscores')) as string[]
      return words.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(words[i + 1])]] : []))
    }
    const add = (...words: Words) => ['zadd', k, ...words]
    const error = (text: string) => [`ReplyError: ${text}`]

    it('replies to each command of a pipeline, in order', async () => {
      expect(await ask(add(1, 'a'), add(2, 'a', 3, 'b'), add(2, 'a'))).toEqual([1, 1, 0])
      expect(await scores()).toEqual([
        ['a', 2],
        ['b', 3],
      ])
    })

    it('replies to an empty pipeline with nothing', async () => {
      expect(await ask()).toEqual([])
    })

    it.each<[string, ZaddToOptions<ZaddEntry>, [string, number][], unknown[]]>([
      [
        'a short feed',
        { maxLen: 2 },
        [
          ['b', 0],
          ['c', 1],
        ],
        [1, 1, 1, 0],
      ],
      [
        'a short feed of the lowest',
        { maxLen: 2, keep: 'lowest' },
        [
          ['a', -1],
          ['b', 0],
        ],
        [1, 1, 1, 0],
      ],
      [
        'a young feed: its messages are of 1970',
        { maxAge: 0 },
        [
          ['b', 0],
          ['c', 1],
        ],
        [1, 1, 1, 0],
      ],
      [
        'a feed of what is new',
        { maxLen: 5, when: 'NX' },
        [
          ['a', -1],
          ['b', 0],
          ['c', 1],
        ],
        [1, 1, 1, 0],
      ],
      [
        'counts',
        { incr: true, dedupe: { ttl: 1000 } },
        [
          ['a', -1],
          ['b', 0],
          ['c', 2],
        ],
        ['-1', '0', '1', '2'],
      ],
      [
        'counts once',
        { incr: true, dedupe: ONCE },
        [
          ['a', -1],
          ['b', 0],
          ['c', 1],
        ],
        ['-1', '0', '1', '1'],
      ],
    ])('does the script of zaddTo: %s', async (_, options, expected, replies) => {
      const entries = [
        ['a', -1],
        ['b', 0],
        ['c', 1],
        ['c', 1],
      ].map(([member, score]) => ({ key: k, member, score }) as ZaddEntry)
      const redis: RedisLike = {
        pipeline: (commands) => ({
          exec: () => from(on.redis.pipeline(commands).exec()).pipe(tap((all) => said.push(...(all ?? [])))),
        }),
      }
      const said: unknown[] = []
      const settled = await throughOperator(
        entries,
        zaddTo<ZaddEntry>(redis, (entry) => entry, options),
      )
      expect([settled.acked.length, settled.error]).toEqual([4, undefined])
      expect(said).toEqual([[null, replies]])
      expect(await scores()).toEqual(expected)
    })

    it('nacks what the script of zaddTo is refused, and leaves alone what is no sorted set', async () => {
      await on.run('set', k, 'mine')
      const { nacked } = await throughOperator(
        [{ key: k, member: 'a', score: 1 }],
        zaddTo<ZaddEntry>(on.redis, (entry) => entry, { ttl: 1000 }),
      )
      expect(String(nacked.get(0))).toContain(WRONGTYPE)
      expect(await on.run('pttl', k)).toBe(-1)
    })

    it('ranks by score, then by bytes', async () => {
      const members = ['b', 'a', 'é', 'B', '', '🚀', '￿', 'aa']
      await ask(add(...members.flatMap((member) => [1, member])), add(-0.5, 'low', '+inf', 'top', '-inf', 'bottom'))
      const ranked = ['bottom', 'low', '', 'B', 'a', 'aa', 'b', 'é', '￿', '🚀', 'top']
      expect((await scores()).map(([member]) => member)).toEqual(ranked)
    })

    it.each([
      [[], 1, { a: 0, b: 9, n: 5 }],
      [['CH'], 3, { a: 0, b: 9, n: 5 }],
      [['NX'], 1, { a: 1, b: 2, n: 5 }],
      [['NX', 'CH'], 1, { a: 1, b: 2, n: 5 }],
      [['XX'], 0, { a: 0, b: 9 }],
      [['XX', 'CH'], 2, { a: 0, b: 9 }],
      [['GT'], 1, { a: 1, b: 9, n: 5 }],
      [['gt', 'ch'], 2, { a: 1, b: 9, n: 5 }],
      [['LT'], 1, { a: 0, b: 2, n: 5 }],
      [['LT', 'CH'], 2, { a: 0, b: 2, n: 5 }],
      [['XX', 'GT', 'CH'], 1, { a: 1, b: 9 }],
      [['CH', 'LT', 'XX'], 1, { a: 0, b: 2 }],
    ])('adds with %j', async (flags, reply, expected) => {
      await ask(add(1, 'a', 2, 'b'))
      expect(await ask(add(...flags, 0, 'a', 9, 'b', 5, 'n'))).toEqual([reply])
      expect(Object.fromEntries(await scores())).toEqual(expected)
    })

    it('adds up with INCR, and replies with the score, or null where a condition forbids it', async () => {
      const replies = await ask(
        add('INCR', 1.5, 'a'),
        add('INCR', 2, 'a'),
        add('XX', 'INCR', 1, 'nobody'),
        add('NX', 'INCR', 1, 'a'),
        add('GT', 'INCR', -1, 'a'),
        add('GT', 'INCR', 0, 'a'),
        add('LT', 'INCR', -1, 'a'),
        add('INCR', '+inf', 'i'),
      )
      expect(replies).toEqual(['1.5', '3.5', null, null, null, null, '2.5', 'inf'])
    })

    it('keeps scores as doubles', async () => {
      const words = [-1.5, 0, 5e-324, 1.1, 2 ** 53, 1e300, '1e2', '.5', '0x10', '+7', 'INF', '-Infinity', 'infinity']
      await ask(add(...words.flatMap((score, i) => [score, `m${i}`])))
      const read = Object.fromEntries(
        await Promise.all(words.map(async (_, i) => [i, await on.run('zscore', k, `m${i}`)])),
      )
      const numbers = Object.values(read).map((text) => Number(String(text).replace('inf', 'Infinity')))
      const infinity = Number.POSITIVE_INFINITY
      expect(numbers).toEqual([-1.5, 0, 5e-324, 1.1, 2 ** 53, 1e300, 100, 0.5, 16, 7, infinity, -infinity, infinity])
    })

    it.each([
      ['ERR XX and NX options at the same time are not compatible', ['NX', 'XX', 1, 'a']],
      ['ERR GT, LT, and/or NX options at the same time are not compatible', ['NX', 'GT', 1, 'a']],
      ['ERR GT, LT, and/or NX options at the same time are not compatible', ['GT', 'LT', 1, 'a']],
      ['ERR INCR option supports a single increment-element pair', ['INCR', 1, 'a', 2, 'b']],
      ['ERR syntax error', ['NX', 1]],
      ['ERR syntax error', [1, 'a', 2]],
      ['ERR syntax error', ['FOO', 1, 'a']],
      ['ERR syntax error', ['NX', 'CH']],
      ["ERR wrong number of arguments for 'zadd' command", [1]],
      ['ERR value is not a valid float', [1, 'good', 'NaN', 'bad']],
      ['ERR value is not a valid float', [1, 'good', '', 'bad']],
      ['ERR value is not a valid float', [1, 'good', ' 1', 'bad']],
      ['ERR value is not a valid float', [1, 'good', '1,5', 'bad']],
    ])('refuses a whole ZADD: %s', async (text, words) => {
      expect(await ask(add(...words))).toEqual(error(text))
      expect(await scores()).toEqual([])
    })

    it('refuses to add infinities up to no number', async () => {
      const replies = await ask(add('+inf', 'a'), add('INCR', '-inf', 'a'))
      expect(replies).toEqual([1, 'ReplyError: ERR resulting score is not a number (NaN)'])
    })

    it('refuses only the commands of a key that is no sorted set', async () => {
      const text = on.key('text')
      await on.run('set', text, 'mine')
      expect(await ask(add(1, 'a'), ['zadd', text, 1, 'a'], add(2, 'b'))).toEqual([1, `ReplyError: ${WRONGTYPE}`, 1])
      expect(await on.run('get', text)).toBe('mine')
    })

    it('cuts by rank', async () => {
      await ask(add(1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e'))
      const cut = (start: number, stop: number) => ['zremrangebyrank', k, start, stop]
      expect(await ask(cut(0, -5), cut(-1, -1), cut(5, 9), cut(2, 1), cut(-99, -4))).toEqual([1, 1, 0, 0, 0])
      expect((await scores()).map(([member]) => member)).toEqual(['b', 'c', 'd'])
      expect(await ask(['zremrangebyrank', k, 'x', 1])).toEqual(error('ERR value is not an integer or out of range'))
    })

    it('cuts by score', async () => {
      await ask(add(1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e'))
      const cut = (min: string | number, max: string | number) => ['zremrangebyscore', k, min, max]
      expect(await ask(cut('-inf', '(2'), cut('(4', '+inf'), cut(3, 3), cut(9, 1))).toEqual([1, 1, 1, 0])
      expect((await scores()).map(([member]) => member)).toEqual(['b', 'd'])
      expect(await ask(cut('x', 1))).toEqual(error('ERR min or max is not a float'))
    })

    it('has no sorted set left when its last member is gone', async () => {
      await ask(add(1, 'a'), ['zremrangebyrank', k, 0, -1])
      expect(await on.run('exists', k)).toBe(0)
    })

    it('has a key expire', async () => {
      await ask(add(1, 'a'))
      expect(await on.run('pttl', k)).toBe(-1)
      expect(await ask(['expire', k, 100, 'NX'], ['expire', k, 200, 'NX'])).toEqual([1, 0])
      expect(await ask(['pexpire', k, 50_000, 'GT'], ['pexpire', k, 50_000, 'LT'])).toEqual([0, 1])
      await ask(add(2, 'b'))
      expect(await on.run('pttl', k)).toBeGreaterThan(40_000)
      expect(await on.run('pttl', k)).toBeLessThanOrEqual(50_000)
      expect(await ask(['expire', k, 0], ['expire', k, 10])).toEqual([1, 0])
      expect([await on.run('exists', k), await on.run('pttl', k)]).toEqual([0, -2])
      expect(await ask(['expire', k, 'x'])).toEqual(error('ERR value is not an integer or out of range'))
    })

    it('does a transaction as a whole', async () => {
      const all = await ask(
        ['multi'],
        add(1, 'a', 2, 'b', 3, 'c'),
        ['zremrangebyrank', k, 0, -3],
        ['expire', k, 9],
        ['exec'],
      )
      expect(all).toEqual(['OK', 'QUEUED', 'QUEUED', 'QUEUED', [3, 1, 1]])
      expect((await scores()).map(([member]) => member)).toEqual(['b', 'c'])
    })

    it('does the rest of a transaction when one command of it fails', async () => {
      const text = on.key('text')
      await on.run('set', text, 'mine')
      const all = await ask(add(0, 'z'), ['multi'], ['zadd', text, 1, 'a'], add(1, 'a'), ['exec'], add(2, 'b'))
      expect(all).toEqual([1, 'OK', 'QUEUED', 'QUEUED', [`ReplyError: ${WRONGTYPE}`, 1], 1])
    })

    it('does nothing of a transaction in which a command is none', async () => {
      const all = await ask(['multi'], add(1, 'a'), add(1), ['exec'])
      const wrong = "ReplyError: ERR wrong number of arguments for 'zadd' command"
      const aborted = 'ReplyError: EXECABORT Transaction discarded because of previous errors.'
      expect(all).toEqual(['OK', 'QUEUED', wrong, aborted])
      expect(await scores()).toEqual([])
    })

    describe('under zaddTo', () => {
      const settle = (redis: RedisLike, entries: readonly Omit<ZaddEntry, 'key'>[]) =>
        throughOperator(
          entries,
          zaddTo(redis, (entry) => ({ key: k, ...entry }), { retry: { attempts: 1 } }),
        )
      const entries = [1, 2, 3].map((score) => ({ score, member: `m${score}` }))

      it('has messages acked, and nacked, by its replies', async () => {
        const text = on.key('text')
        await on.run('set', text, 'mine')
        const { acked, nacked } = await settle(on.redis, [
          entries[0],
          { ...entries[1], key: text },
          entries[2],
        ] as ZaddEntry[])
        expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
        expect(String(nacked.get(1))).toContain(
          `PermanentError: Redis refused ZADD of ${JSON.stringify(text)}: ${WRONGTYPE}`,
        )
        expect(await scores()).toEqual([
          ['m1', 1],
          ['m3', 3],
        ])
      })

      it('ends the stream when it gives no right to', async () => {
        const { error, abandoned } = await settle(on.failing('fatal'), entries)
        expect([error?.name, abandoned]).toEqual(['FatalError', [0, 1, 2]])
      })

      it('fails transiently when the connection is lost', async () => {
        const { nacked } = await settle(on.failing('lost'), entries)
        expect([...nacked.values()].map(String)).toEqual(
          Array(3).fill(
            expect.stringMatching(/^PermanentError: zaddTo gave up after 1 tries: .*Connection is closed\./),
          ),
        )
      })
    })
  })
}

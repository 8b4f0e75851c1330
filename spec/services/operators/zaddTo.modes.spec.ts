import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { type ZaddEntry, type ZaddToOptions, zaddTo } from '../../../operators/zaddTo/zaddTo.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { HOSTILE } from '../../support/hostile.ts'
import { redisClients } from '../support/redisClients.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { redisUrl } = connectionSettings()
/** Looks at what was written. */
const eye = new Redis(redisUrl)
const run = `spec:${randomBytes(4).toString('hex')}`

afterAll(() => eye.disconnect())

describe.each(Object.entries(redisClients))('zaddTo on Redis through %s', (library, open) => {
  const { redis, close } = open(redisUrl)
  const key = (name: string) => `${run}:${library}:${name}`
  const setOf = (name: string) => eye.zrange(key(name), 0, -1, 'WITHSCORES')
  const write = async (
    name: string,
    entries: [member: string, score: number][],
    options: ZaddToOptions<ZaddEntry> = {},
  ) => {
    const all = entries.map(([member, score]) => ({ key: key(name), member, score }))
    const settled = await throughOperator(
      all,
      zaddTo<ZaddEntry>(redis, (entry) => entry, options),
    )
    expect(settled.error).toBeUndefined()
    return settled
  }

  afterAll(async () => {
    const keys = await eye.keys(`*${run}:${library}:*`)
    if (keys.length > 0) await eye.del(...keys)
    close()
  })

  it.each([
    ['NX', { a: 10, b: 5, c: 9 }],
    ['XX', { a: 1, b: 7 }],
    ['GT', { a: 10, b: 7, c: 9 }],
    ['LT', { a: 1, b: 5, c: 9 }],
    ['XX GT', { a: 10, b: 7 }],
    ['XX LT', { a: 1, b: 5 }],
  ] as const)('writes by %s', async (when, expected) => {
    await write(when, [
      ['a', 10],
      ['b', 5],
    ])
    await write(
      when,
      [
        ['a', 1],
        ['b', 7],
        ['c', 9],
      ],
      { when },
    )
    const [...words] = await setOf(when)
    expect(Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(words[i + 1])]] : [])))).toEqual(
      expected,
    )
  })

  it('says whether a member is new, or has changed', async () => {
    const entries = ['a', 'a', 'b', 'a'].map((member, i) => ({ key: key('into'), member, score: i === 3 ? 1 : 0 }))
    const added = await throughOperator(
      entries,
      zaddTo(redis, (entry: ZaddEntry) => entry, { into: 'isNew' }),
    )
    expect(added.values.map(({ isNew }) => isNew)).toEqual([true, false, true, false])
    const options = { into: (_: ZaddEntry, hasChanged: boolean) => hasChanged, result: 'changed' } as const
    const changed = await throughOperator(
      entries,
      zaddTo(redis, (entry: ZaddEntry) => entry, options),
    )
    expect(changed.values).toEqual([true, false, false, true])
  })

  it('keeps a feed short, of the highest or of the lowest', async () => {
    const entries = Array.from({ length: 50 }, (_, i): [string, number] => [`m${i}`, i])
    await write('highest', entries, { maxLen: 3, batch: { max: 7 } })
    await write('lowest', entries, { maxLen: 3, keep: 'lowest', batch: { max: 7 } })
    expect(await setOf('highest')).toEqual(['m47', '47', 'm48', '48', 'm49', '49'])
    expect(await setOf('lowest')).toEqual(['m0', '0', 'm1', '1', 'm2', '2'])
  })

  it('drops members that are too old for the newest message', async () => {
    // The messages of the spec are of 1970.
    await write(
      'age',
      [
        ['old', -11],
        ['on the edge', -10],
        ['new', 0],
      ],
      { maxAge: 10 },
    )
    expect(await setOf('age')).toEqual(['on the edge', '-10', 'new', '0'])
  })

  it('lets a set expire: after each write anew, or after the first', async () => {
    await write('ttl', [['a', 1]], { ttl: 50_000 })
    await write('ttl', [['b', 1]], { ttl: 100_000 })
    expect(await eye.pttl(key('ttl'))).toBeGreaterThan(50_000)
    await write('once', [['a', 1]], { ttl: 50_000, ttlMode: 'once' })
    await write('once', [['b', 1]], { ttl: 100_000, ttlMode: 'once' })
    expect(await eye.pttl(key('once'))).toBeLessThanOrEqual(50_000)
  })

  it('leaves alone what is no sorted set: it does not expire', async () => {
    await eye.set(key('mine'), 'mine')
    const { nacked } = await write('mine', [['a', 1]], { ttl: 1, maxLen: 1 })
    expect(String(nacked.get(0))).toContain('WRONGTYPE')
    expect(await eye.pttl(key('mine'))).toBe(-1)
    expect(await eye.get(key('mine'))).toBe('mine')
  })

  describe('with `incr`', () => {
    const count = (name: string, entries: [member: string, by: number][], options: object = {}) => {
      const all = entries.map(([member, score]) => ({ key: key(name), member, score }))
      const into = (_: ZaddEntry, score: number | null) => score
      const dedupe = { ttl: 60_000 }
      return throughOperator(
        all,
        zaddTo(redis, (entry: ZaddEntry) => entry, { incr: true, dedupe, into, ...options }),
      )
    }

    it('counts each message once, and gives the new score', async () => {
      const entries: [string, number][] = [
        ['a', 1],
        ['b', 2.5],
        ['a', 10],
      ]
      expect((await count('counted', entries)).values).toEqual([1, 2.5, 11])
      // They come again, after a crash; and one more.
      expect((await count('counted', [...entries, ['a', 100]])).values).toEqual([11, 2.5, 11, 111])
      expect(await setOf('counted')).toEqual(['b', '2.5', 'a', '111'])
    })

    it('counts again after the time, and apart by name and by what `by` says', async () => {
      const by = (_: ZaddEntry, { offset }: { offset: number }) => `order ${offset % 2}`
      await count(
        'apart',
        [
          ['a', 1],
          ['a', 1],
          ['a', 1],
        ],
        { dedupe: { ttl: 1, by } },
      )
      expect(await setOf('apart')).toEqual(['a', '2'])
      await new Promise((resolve) => setTimeout(resolve, 20))
      await count('apart', [['a', 1]], { dedupe: { ttl: 1, by } })
      await count('apart', [['a', 1]], { dedupe: { ttl: 60_000, by }, name: 'other' })
      expect(await setOf('apart')).toEqual(['a', '4'])
    })

    it('nacks what has no sum, and does not note it as counted', async () => {
      await eye.zadd(key('inf'), '+inf', 'a')
      const { values, nacked } = await count('inf', [
        ['b', 1],
        ['a', Number.NEGATIVE_INFINITY],
        ['a', 1],
      ])
      expect(values).toEqual([1, Number.POSITIVE_INFINITY])
      expect(String(nacked.get(1))).toContain('resulting score is not a number (NaN)')
      await eye.zadd(key('inf'), 0, 'a')
      expect(
        (
          await count('inf', [
            ['b', 1],
            ['a', 5],
          ])
        ).values,
      ).toEqual([1, 5])
    })

    it('gives null where `when` had nothing written', async () => {
      expect(
        (
          await count(
            'null',
            [
              ['a', 1],
              ['a', 2],
            ],
            { when: 'NX' },
          )
        ).values,
      ).toEqual([1, null])
    })
  })

  it('writes hundreds of hostile keys and members as data, also in a script', async () => {
    for (const [kind, options] of [
      ['plain', {}],
      ['script', { maxLen: 1e6, ttl: 1e6 }],
    ] as const) {
      const asMembers = HOSTILE.map((member, score) => ({ key: key(kind), member, score }))
      const asKeys = HOSTILE.map((text, score) => ({ key: key(`${kind} ${text}`), member: text, score }))
      const all = [...asMembers, ...asKeys]
      const settled = await throughOperator(
        all,
        zaddTo<ZaddEntry>(redis, (entry) => entry, options),
      )
      expect([settled.acked.length, settled.nacked.size, settled.error]).toEqual([all.length, 0, undefined])
      expect(await setOf(kind)).toEqual(HOSTILE.flatMap((member, score) => [member, `${score}`]))
      for (const [score, text] of HOSTILE.entries()) expect(await setOf(`${kind} ${text}`)).toEqual([text, `${score}`])
    }
  })
})

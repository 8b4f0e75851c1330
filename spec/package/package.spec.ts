import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { project } from './support/project.ts'
import { run } from './support/run.ts'

/** The README's first pipe, with the broker in memory and a Redis that keeps what it is told. */
const PIPE = `
const kafka = memoryBroker({ topics: { feed_activities: 4 } })
const sets = new Map()
const redis = {
  pipeline: (commands) => ({
    exec: async () => {
      for (const [, key, ...pairs] of commands) sets.set(key, [...(sets.get(key) ?? []), pairs.map(String)])
      return commands.map(() => [null, 1])
    },
  }),
}
const activities = topic('feed_activities', json())
const saveActivities = fromTopic(kafka, activities, { groupId: 'save-activities' }).pipe(
  zaddTo(redis, (a) => ({ key: a.user, score: Date.parse(a.timestamp), member: a.message })),
  ack(),
)
const running = run(kafka, saveActivities)
kafka.send([{ topic: 'feed_activities', key: 'ann', value: '{"user":"ann","message":"hi","timestamp":"2026-01-01"}' }], () => {})
running.events.subscribe((event) => event.type === 'committed' && running.drain())
running.closed.then(() => console.log(JSON.stringify([...sets])))
`
const PRINTED = '[["ann",[["1767225600000","hi"]]]]\n'
const NAMES = '{ ack, fromTopic, json, memoryBroker, run, topic }'

const TYPED = `
import { ack, fromTopic, json, mapValue, memoryBroker, run, topic } from 'rxjs-kafka-toolkit'
import { sendTo, zaddTo, type RedisLike } from 'rxjs-kafka-toolkit/operators'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
declare const redis: RedisLike
const kafka = memoryBroker({ topics: { numbers: 1 } })
const numbers = topic('numbers', json<number>())
const source = fromTopic(kafka, numbers, { groupId: 'group' })
run(kafka, source.pipe(mapValue((n) => n * 2), sendTo(kafka, numbers, (n) => ({ key: null, value: n })), ack()))
export const added = zaddTo(redis, (n: number) => ({ key: 'k', score: n, member: 'm' }))
export const test = kafkaTest(({ topic, redis, expectOutput }) => {
  expectOutput(topic(numbers, '0: a', { a: 1 }).pipe(zaddTo(redis, (n) => ({ key: 'k', score: n, member: 'm' })), ack())).toBe('a')
})
`

const TESTS = `
import assert from 'node:assert'
import test from 'node:test'
import { ack } from 'rxjs-kafka-toolkit'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
const passesOn = ({ topic, expectOutput }) => expectOutput(topic('0: a-b').pipe(ack())).toBe('a-b')
test('passes', kafkaTest(passesOn))
test('passes with promises', kafkaTest.async(async (kit) => passesOn(kit)))
const fails = kafkaTest(({ topic, expectOutput }) => expectOutput(topic('0: a-b').pipe(ack())).toBe('-a-b'))
test('fails with a drawing', () => assert.throws(fails, /expected  -a-b/))
`

describe('the package', () => {
  it('runs in an empty ESM project', { timeout: 120_000 }, () => {
    const place = project('esm', { type: 'module' }, '--omit=optional')
    const imports = `import ${NAMES} from 'rxjs-kafka-toolkit'\nimport { zaddTo } from 'rxjs-kafka-toolkit/operators'\n`
    writeFileSync(join(place, 'main.js'), imports + PIPE)
    expect(run(place, 'node', 'main.js')).toBe(PRINTED)
  })

  it('has tests of marbles for node:test', { timeout: 120_000 }, () => {
    const place = project('tests', { type: 'module' }, '--omit=optional')
    writeFileSync(join(place, 'pipe.test.js'), TESTS)
    expect(run(place, 'node', '--test')).toContain('pass 3')
  })

  it('runs in an empty CommonJS project', { timeout: 120_000 }, () => {
    const place = project('cjs', { type: 'commonjs' }, '--omit=optional')
    const imports = `const ${NAMES} = require('rxjs-kafka-toolkit')\nconst { zaddTo } = require('rxjs-kafka-toolkit/operators')\n`
    writeFileSync(join(place, 'main.js'), imports + PIPE)
    expect(run(place, 'node', 'main.js')).toBe(PRINTED)
  })

  it('has types that check with nothing installed but rxjs', { timeout: 120_000 }, () => {
    const place = project('types', { type: 'module' }, '--omit=optional')
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      module: 'nodenext',
      target: 'es2022',
      types: [],
    }
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    writeFileSync(join(place, 'esm.ts'), TYPED)
    writeFileSync(join(place, 'cjs.cts'), TYPED)
    expect(run(place, 'node', resolve('node_modules/typescript/bin/tsc'), '-p', '.')).toBe('')
  })

  it('names no server client among what it imports', () => {
    const place = join(inject('folder'), 'esm', 'node_modules', 'rxjs-kafka-toolkit', 'dist')
    const code = ['index.js', 'operators.js', 'testing.js']
      .map((name) => readFileSync(join(place, name), 'utf8'))
      .join()
    const imported = [...code.matchAll(/from ["']([^."'][^"']*)["']/g)].map(([, name]) => name)
    expect([...new Set(imported)].sort()).toEqual(expect.arrayContaining(['rxjs']))
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
    const allowed = ['rxjs', 'rxjs/testing', ...Object.keys(dependencies)]
    const isAllowed = (name = '') => allowed.includes(name) || name.startsWith('node:')
    expect(imported.filter((name) => !isAllowed(name))).toEqual([])
  })
})

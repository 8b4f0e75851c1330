import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ours, project } from './support/project.ts'
import { run } from './support/run.ts'

const WORKED = readFileSync('spec/examples/worked.spec.ts', 'utf8')
/** The first test, with the commit drawn 1 ms too early. */
const WRONG = WORKED.replace("expectCommits('0: --1')", "expectCommits('0: -1')")
/** What the page about the tests says of that. */
const [, DRAWN = ''] = readFileSync('docs/ten-tests.md', 'utf8').match(/^```\n(Expected [\s\S]*?)\n```/m) ?? []
const EXAMPLES = ['saveActivities', 'confirmOrders', 'Order', 'DateFromISO', 'PipelineOptions']

const SWC = ['@swc/jest', { jsc: { parser: { syntax: 'typescript' } } }]
const RUNNERS = [
  { runner: 'vitest', type: 'module', from: 'vitest', command: ['vitest', 'run'], passed: '10 passed' },
  {
    runner: 'jest',
    type: 'commonjs',
    from: '@jest/globals',
    command: ['jest', '--json'],
    passed: '"numPassedTests":10',
  },
  { runner: 'node:test', type: 'module', from: 'node:test', command: ['tsx', '--test'], passed: 'pass 10' },
]

let home: string

beforeAll(() => {
  const others = ['vitest', 'tsx', 'io-ts', 'fp-ts'].map(ours)
  home = project('runners', {}, ...others, 'jest@30.5.2', '@swc/jest@0.2.39', '@swc/core@1.16.22')
}, 600_000)

describe('the ten tests', () => {
  it.each(RUNNERS)('run under $runner ($type), and fail with a drawing', { timeout: 300_000 }, (its) => {
    const place = join(home, its.runner.replace(':', '-'))
    mkdirSync(join(place, 'examples'), { recursive: true })
    mkdirSync(join(place, 'spec', 'examples'), { recursive: true })
    const manifest = { name: its.runner, type: its.type, jest: { transform: { '\\.ts$': SWC } } }
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest))
    for (const name of EXAMPLES) copyFileSync(`examples/${name}.ts`, join(place, 'examples', `${name}.ts`))
    const runs = (name: string, code: string) => {
      const file = `spec/examples/${name}.spec.ts`
      writeFileSync(join(place, file), code.replace("it } from 'vitest'", `it } from '${its.from}'`))
      const [bin = '', ...args] = its.command
      return run(place, join(home, 'node_modules', '.bin', bin), ...args, file)
    }

    expect(runs('worked', WORKED)).toContain(its.passed)
    expect(DRAWN).toContain('^')
    expect(linesOf(errorOf(() => runs('wrong', WRONG)))).toContain(linesOf(DRAWN))
  })
})

function errorOf(fails: () => void): string {
  try {
    fails()
  } catch (error) {
    return String(error)
  }
  return 'no error'
}

/** Each runner has its own margin. */
function linesOf(text: string): string {
  return text.replace(/^[ ]+|[ ]+$/gm, '')
}

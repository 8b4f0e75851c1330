import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileErrors, pages, snippetsOf } from './support/snippets.ts'

/** What each place may import, beside its own files. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lib: ['rxjs', 'lru-cache', 'node:events', 'node:timers', 'node:util', 'node:zlib'],
  operators: ['rxjs', 'lib', 'cross-fetch', 'lru-cache'],
}
/** The thin surface: the only files of the core that know RxJS. */
const RXJS = [
  'lib/ack.ts',
  'lib/batches.ts',
  'lib/chainRun.ts',
  'lib/fork.ts',
  'lib/fromTopic.ts',
  'lib/flights.ts',
  'lib/lookUp.ts',
  'lib/lookups.ts',
  'lib/operate.ts',
  'lib/outcomes.ts',
  'lib/pace.ts',
  'lib/perBatch.ts',
  'lib/perLookup.ts',
  'lib/perMessage.ts',
  'lib/replayDeadLetters.ts',
  'lib/run.ts',
  'lib/try.ts',
  'lib/values.ts',
]
/** Of the test kit, what lets the promises of a pipe go on, or tells of that; explore loads fast-check by one. */
const FOR_PROMISES = [
  'lib/testing/explore/explore.ts',
  'lib/testing/kafkaTest.ts',
  'lib/testing/leftovers.ts',
  'lib/testing/turn.ts',
]
/** What an operator may know of the core: no tracker, no delivery, no broker but its port. */
const FOR_OPERATORS = [
  'broker',
  'codec',
  'errors',
  'expect',
  'lookUp',
  'lookups',
  'answerCache',
  'message',
  'onMiss',
  'operatorOptions',
  'perBatch',
  'perLookup',
  'perMessage',
  'topic',
  'transaction',
  'withField',
]

/** Where what the docs show is tested. */
const EXAMPLES = ['examples', 'spec/examples', 'spec/lib/testing']

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

const importsOf = (file: string): string[] => {
  const source = readFileSync(file, 'utf8')
  const found = [
    ...source.matchAll(/^(?:(?:import|export)\b[^'"`]*?from |import )'([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, name, lazy]) => (name ?? lazy) as string)
  return found.map((name) => (name.startsWith('.') ? normalize(join(dirname(file), name)) : name))
}

const violations = (folder: string, isWrong: (name: string, file: string) => boolean): string[] =>
  files(folder).flatMap((file) =>
    importsOf(file)
      .filter((name) => isWrong(name, file))
      .map((name) => `${file} imports ${name}`),
  )

describe('the repository', () => {
  it('imports in one direction: examples → operators → lib → rxjs', () => {
    const isForeign = (folder: string) => (name: string) =>
      !name.startsWith(`${folder}/`) &&
      !(ALLOWED[folder] ?? []).some((allowed) => name === allowed || name.startsWith(`${allowed}/`))
    // The adapter knows its client by its types; explore draws lives with fast-check, which it loads when it is used.
    const isAllowed = (name: string, file: string) =>
      file.startsWith('lib/kafkajs/') || (name === 'fast-check' && file.startsWith('lib/testing/explore/'))
    expect(violations('lib', (name, file) => isForeign('lib')(name) && !isAllowed(name, file))).toEqual([])
    expect(violations('operators', isForeign('operators'))).toEqual([])
  })

  it('keeps the engine free of RxJS', () => {
    const isWrong = (name: string, file: string) =>
      name.startsWith('rxjs') && !RXJS.includes(file) && !file.startsWith('lib/testing/')
    expect(violations('lib', isWrong)).toEqual([])
  })

  it('keeps the engine free of promises, but for the adapter', () => {
    const promising = files('lib').filter((file) => {
      const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      return /\b(Promise|async|await)\b/.test(code)
    })
    // A schema may answer with a promise, which is refused; the others' are for the user.
    const allowed = ['lib/replayDeadLetters.ts', 'lib/run.ts', 'lib/standardSchema.ts', ...FOR_PROMISES]
    expect(promising.filter((file) => !file.startsWith('lib/kafkajs/') && !allowed.includes(file))).toEqual([])
  })

  it('keeps operators apart from each other and from the engine', () => {
    const placeOf = (file: string) => file.split('/').slice(0, 2).join('/').replace(/\.ts$/, '')
    const isWrong = (name: string, file: string) => {
      if (file === 'operators/index.ts') return false
      if (name.startsWith('operators/')) return placeOf(name) !== placeOf(file)
      return name.startsWith('lib/') && !FOR_OPERATORS.includes(name.slice('lib/'.length).replace(/\.ts$/, ''))
    }
    expect(violations('operators', isWrong)).toEqual([])
  })

  it('has no import cycles but of types', () => {
    const graph = new Map(files('lib').map((file) => [file, valueImportsOf(file)]))
    const cycles: string[] = []
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      else for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    }
    for (const file of graph.keys()) visit(file, [])
    expect(cycles).toEqual([])
  })

  it.each([
    { page: 'README.md', folders: ['examples', 'spec/examples'] },
    { page: 'docs/testing.md', folders: ['spec/lib/testing'] },
    { page: 'docs/write-your-own-operator.md', folders: ['examples', 'spec/examples'] },
  ])('shows in $page what the code of $folders says', ({ page, folders }) => {
    const snippets = snippetsOf(page)
    expect(snippets.length).toBeGreaterThan(0)
    expect(snippets.filter(({ code }) => !isPartOf(folders, code))).toEqual([])
  })

  it('teaches in docs/ten-tests.md the ten tests, each whole and in their order', () => {
    const [head, ...tests] = readFileSync('spec/examples/worked.spec.ts', 'utf8')
      .replace(/^describe\(.*\n|\n\}\)$/gm, '')
      .split(/^ {2}(?=it\()/m)
      .map((part) => part.replace(/^ {2}/gm, '').trim())
    expect(tests).toHaveLength(10)
    expect(snippetsOf('docs/ten-tests.md').map(({ code }) => code.trim())).toEqual([head, ...tests])
  })

  // A compiler takes its time on a busy machine.
  it('shows in its docs TypeScript that compiles, or is a part of an example or its spec', { timeout: 300_000 }, () => {
    const snippets = pages().flatMap(snippetsOf)
    const errors = compileErrors(snippets.filter(({ code }) => !isPartOf(EXAMPLES, code)))
    expect(errors).toEqual([])
  })

  it('shows the whole of indexToEs where it says how to write an operator', () => {
    const page = readFileSync('docs/write-your-own-operator.md', 'utf8')
    expect(page).toContain(`\`\`\`ts\n${readFileSync('examples/indexToEs.ts', 'utf8')}\`\`\``)
  })

  it('links in its docs to files that exist', () => {
    const broken = pages().flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#]+)\)/g)]
        .map(([, link]) => link as string)
        .filter((link) => !link.startsWith('http') && !existsSync(join(dirname(page), link)))
        .map((link) => `${page} links to ${link}`),
    )
    expect(broken).toEqual([])
  })

  it('names in its docs tests that exist', () => {
    const page = readFileSync('docs/delivery-guarantees.md', 'utf8')
    const tests = [...page.matchAll(/(`+)(spec\/\S+\.ts) › (.+?)\1/g)].map(([, , file, title]) => ({ file, title }))
    const isThere = ({ file = '', title = '' }) => existsSync(file) && readFileSync(file, 'utf8').includes(title)
    expect(tests.length).toBeGreaterThan(40)
    expect(tests.filter((test) => !isThere(test))).toEqual([])
  })

  it('quotes in the README only figures of bench/RESULTS.md', () => {
    const [, speed = ''] = readFileSync('README.md', 'utf8').match(/## Speed\n([\s\S]*?)\n## /) ?? []
    const results = readFileSync('bench/RESULTS.md', 'utf8')
    const figures = speed.match(/\d+\.\d+|\d{1,3}(?:,\d{3})+/g) ?? []
    expect(figures.length).toBeGreaterThan(0)
    expect(figures.filter((figure) => !results.includes(figure))).toEqual([])
  })

  it('has a spec for each operator and each example', () => {
    const specs = files('spec').map((file) => file.split('/').at(-1))
    const named = [...names('operators'), ...names('examples')]
    expect(named.filter((name) => !specs.includes(`${name}.spec.ts`))).toEqual([])
  })
})

/** The operators or use cases of a folder: its folders, and the files that export a function of their name. */
function names(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => ({ name: entry.name.replace(/\.ts$/, ''), path: join(folder, entry.name), isFile: entry.isFile() }))
    .filter(({ name, path, isFile }) => {
      if (!isFile) return folder === 'operators'
      return path.endsWith('.ts') && readFileSync(path, 'utf8').includes(`export function ${name}`)
    })
    .map(({ name }) => name)
}

function isPartOf(folders: readonly string[], code: string): boolean {
  return folders.flatMap(files).some((file) => dedent(readFileSync(file, 'utf8')).includes(dedent(code)))
}

function dedent(code: string): string {
  return code.replace(/^ +/gm, '')
}

function valueImportsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  return [...source.matchAll(/^(?:import|export) (?!type )([^']*?)from '(\.[^']+)'/gms)]
    .filter(([, what]) => !/^\{(\s*type [^,}]+,?)+\s*\}\s*$/.test(what as string))
    .map(([, , name]) => normalize(join(dirname(file), name as string)))
}

import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import ts from 'typescript'

/** TypeScript in a page of the docs. */
export interface Snippet {
  readonly page: string
  /** Its first line, in the page. */
  readonly line: number
  readonly code: string
}

/** Where pages of the docs are. */
export function pages(): readonly string[] {
  const docs = readdirSync('docs').filter((name) => name.endsWith('.md'))
  return ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...docs.map((name) => `docs/${name}`)]
}

/** What a page has between ```ts and ```. */
export function snippetsOf(page: string): Snippet[] {
  const source = readFileSync(page, 'utf8')
  return [...source.matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => ({
    page,
    line: source.slice(0, found.index).split('\n').length + 1,
    code: found[1] as string,
  }))
}

/** What a snippet may use without a word on where it comes from. */
const SOURCES: Readonly<Record<string, string>> = {
  'rxjs-kafka-toolkit': 'lib/index.ts',
  'rxjs-kafka-toolkit/operators': 'operators/index.ts',
  'rxjs-kafka-toolkit/testing': 'lib/testing/index.ts',
  './spec/support/snippetStage.ts': 'spec/support/snippetStage.ts',
}

/** What the compiler has to say of snippets, each as a file of its own: place and text. */
export function compileErrors(snippets: readonly Snippet[]): string[] {
  const known = Object.entries(SOURCES).map(([name, file]) => ({ name, exported: exportsOf(file) }))
  const virtual = new Map(snippets.map((snippet, i) => [resolve(`snippet${i}.ts`), fileOf(snippet, known)]))
  const options = {
    ...optionsOfProject(),
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (name) => virtual.has(name) || fileExists(name)
  host.readFile = (name) => virtual.get(name) ?? readFile(name)
  host.getSourceFile = (name, ...rest) => {
    const code = virtual.get(name)
    return code === undefined ? getSourceFile(name, ...rest) : ts.createSourceFile(name, code, options.target ?? 99)
  }
  const program = ts.createProgram([...virtual.keys()], options, host)
  return [...virtual.keys()].flatMap((name, i) => errorsIn(program, name, snippets[i] as Snippet))
}

function errorsIn(program: ts.Program, name: string, { page, line }: Snippet): string[] {
  const file = program.getSourceFile(name)
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ start = 0, messageText }) => {
      // The first line is ours.
      const at = line + (file?.getLineAndCharacterOfPosition(start).line ?? 1) - 1
      return `${page}:${at}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    },
  )
}

/** A snippet with, in a line before it, the imports that it does without. */
function fileOf({ code }: Snippet, known: readonly { name: string; exported: readonly string[] }[]): string {
  const declared = declaredIn(code)
  const imports = known.map(({ name, exported }) => {
    const used = exported.filter((word) => !declared.has(word) && new RegExp(`(?<![.\\w])${word}\\b`).test(code))
    return `import { ${used.join(', ')} } from '${name}';`
  })
  return `${imports.join(' ')} export {};\n${code}`
}

function declaredIn(code: string): ReadonlySet<string> {
  const declared = new Set<string>()
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node }
    const isMember =
      ts.isPropertyAccessExpression(node) || ts.isPropertyAssignment(node) || ts.isPropertySignature(node)
    if (name !== undefined && ts.isIdentifier(name) && !isMember) declared.add(name.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('snippet.ts', code, 99))
  return declared
}

function exportsOf(file: string): string[] {
  const words: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isExportSpecifier(node)) words.push(node.name.text)
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) words.push(node.name.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), 99))
  return words
}

function optionsOfProject(): ts.CompilerOptions {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile)
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, '.').options
}

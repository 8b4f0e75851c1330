import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** What became of a test. */
export interface Tested {
  readonly file: string
  readonly title: string
  readonly status: string
  readonly failures: readonly string[]
}

/** As Vitest's JSON reporter writes it. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly { title: string; status: string; failureMessages: readonly string[] }[]
  }[]
}

/** The longest that spec files may take, in ms: a mutant may make one go round for ever. */
const LIMIT = 2 * 60_000

/**
 * Runs spec files of the unit project in a folder; gives all their tests.
 *
 * @throws Error when a file could not be run
 */
export async function runSpecs(folder: string, specs: readonly string[]): Promise<readonly Tested[]> {
  const output = join(folder, 'report.json')
  await rm(output, { force: true })
  const vitest = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'unit', '--cache=false']
  await run([...vitest, '--reporter=json', `--outputFile=${output}`, ...specs], folder)
  const text = await readFile(output, 'utf8').catch(() => {
    throw new Error(`the suite did not come to an end within ${LIMIT / 60_000} minutes`)
  })
  const { testResults } = JSON.parse(text) as Report
  return testResults.flatMap(({ name, message, assertionResults }) => {
    if (assertionResults.length === 0) throw new Error(`${name} could not be run: ${message.split('\n')[0]}`)
    const file = name.slice(name.lastIndexOf('/spec/') + 1)
    return assertionResults.map(({ title, status, failureMessages }) => {
      return { file, title, status, failures: failureMessages }
    })
  })
}

/** Runs Node in a group of its own, so that what it has started ends with it. */
function run(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, detached: true, stdio: 'ignore' })
  const kill = () => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL')
    } catch {}
  }
  const timer = setTimeout(kill, LIMIT)
  process.once('exit', kill)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      clearTimeout(timer)
      process.off('exit', kill)
      resolve()
    })
  })
}

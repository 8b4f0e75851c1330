import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installFolder, installOnce } from '../services/cache.ts'
import { requireTool, runCommand } from '../services/command.ts'

/** The other libraries, which are no dependencies: each is installed outside the clone when it is first measured. */
export const versions = { faust: '0.15.3', platformatic: '1.35.0' } as const

type Say = (line: string) => void

/** The Python that has Faust, its fast parts and the clients of the use cases. */
export async function faustPython(say: Say): Promise<string> {
  const folder = installFolder('faust-bench', versions.faust)
  await installOnce(folder, say, async (draft) => {
    const python = requireTool('python3', 'to run Faust', 'install Python 3.10 or newer with venv')
    say(`installing faust-streaming ${versions.faust} from PyPI`)
    const log = join(dirname(folder), 'install.log')
    await runCommand(python, ['-m', 'venv', join(draft, 'venv')], { log })
    const packages = [`faust-streaming[fast,uvloop]==${versions.faust}`, 'aiokafka==0.14.0', 'redis==8.1.0', 'hiredis']
    // Called as a module: the paths in the scripts of a virtual environment are those of the draft.
    await runCommand(join(draft, 'venv/bin/python'), ['-m', 'pip', 'install', ...packages], { log })
  })
  return join(folder, 'venv/bin/python')
}

/** How a Faust worker is started. */
export const faustArguments = [
  fileURLToPath(new URL('faust/worker.py', import.meta.url)),
  '--loop',
  'uvloop',
  'worker',
  '--without-web',
  '-l',
  'error',
]

/** The module of @platformatic/kafka: its last version for Node 20. */
export async function platformaticModule(say: Say): Promise<string> {
  const folder = installFolder('platformatic-kafka', versions.platformatic)
  await installOnce(folder, say, async (draft) => {
    say(`installing @platformatic/kafka ${versions.platformatic} from npm`)
    const log = join(dirname(folder), 'install.log')
    const npm = requireTool('npm', 'to install @platformatic/kafka', 'it comes with Node')
    const name = `@platformatic/kafka@${versions.platformatic}`
    await runCommand(npm, ['install', '--prefix', draft, '--no-audit', '--no-fund', name], { log })
  })
  return join(folder, 'node_modules/@platformatic/kafka/dist/index.js')
}

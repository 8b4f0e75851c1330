import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installFolder, installOnce } from '../../services/cache.ts'
import { requireTool, runCommand } from '../../services/command.ts'
import type { Program } from './member.ts'
import type { Job } from './members/job.ts'

export const faustVersion = '0.15.3'

/** Installs Faust from PyPI when it is first asked for, outside the clone, and says how a worker is started. */
export async function faustProgram(script: string, say: (line: string) => void): Promise<(job: Job) => Program> {
  const folder = installFolder('faust', faustVersion)
  const python = requireTool('python3', 'to run Faust', 'install Python 3.10 or newer with venv')
  await installOnce(folder, say, async (draft) => {
    say(`installing faust-streaming ${faustVersion} from PyPI ...`)
    const log = join(dirname(folder), 'install.log')
    await runCommand(python, ['-m', 'venv', join(draft, 'venv')], { log })
    // Called as a module: the paths in the scripts of a virtual environment are those of the draft.
    await runCommand(join(draft, 'venv/bin/python'), ['-m', 'pip', 'install', `faust-streaming==${faustVersion}`], {
      log,
    })
  })
  return (job) => {
    const data = `${job.ledger}.data`
    mkdirSync(data, { recursive: true })
    const worker = ['worker', '--without-web', '-l', 'error']
    return {
      command: join(folder, 'venv/bin/python'),
      args: [script, '--datadir', data, ...worker],
      env: { JOB: JSON.stringify(job) },
    }
  }
}

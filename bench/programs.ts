import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Programs } from './bundle.ts'
import type { FaustName } from './cases/case.ts'
import type { Job } from './child.ts'
import type { Figures } from './metrics.ts'
import type { MicroJob } from './micro.ts'
import { faustArguments, faustPython, platformaticModule } from './peers.ts'
import type { VariantName } from './variants/variants.ts'

/** How long a run may take, in ms: nobody waits for one that hangs. */
const PATIENCE = 15 * 60_000

/** A job for any program. */
export type AnyJob = Omit<Job, 'variant'> & { readonly variant: VariantName | FaustName }

/** Runs variants, each in a process of its own. */
export class Children {
  private readonly programs: Programs
  private readonly flags: readonly string[]
  private readonly say: (line: string) => void

  /** @param flags of Node, such as `--cpu-prof` */
  constructor(programs: Programs, flags: readonly string[], say: (line: string) => void) {
    this.programs = programs
    this.flags = flags
    this.say = say
  }

  run(job: AnyJob): Promise<Figures> {
    return isFaust(job.variant) ? this.runFaust(job) : this.runNode(job)
  }

  /** The figures of each round. */
  async runMicro(job: MicroJob): Promise<Figures[][]> {
    // The helpers of the collector would spin where others have the cores, and that is CPU time too.
    const flags = ['--single-threaded-gc', ...this.flags]
    return JSON.parse(await outputOf(process.execPath, [...flags, this.programs.micro, JSON.stringify(job)]))
  }

  private async runNode(job: AnyJob): Promise<Figures> {
    const { variant, place } = job
    const platformatic = variant === 'platformatic' ? await platformaticModule(this.say) : ''
    const whole = { ...job, place: { ...place, platformatic } }
    return JSON.parse(await outputOf(process.execPath, [...this.flags, this.programs.child, JSON.stringify(whole)]))
  }

  private async runFaust(job: AnyJob): Promise<Figures> {
    const python = await faustPython(this.say)
    const data = await mkdtemp(join(tmpdir(), 'bench-faust-'))
    try {
      const output = await outputOf(python, faustArguments, { JOB: JSON.stringify(job), DATA: data })
      return JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? 'null')
    } finally {
      await rm(data, { recursive: true, force: true })
    }
  }
}

function isFaust(variant: string): boolean {
  return variant.startsWith('faust')
}

async function outputOf(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { env: { ...process.env, ...env }, timeout: PATIENCE })
  return stdout
}

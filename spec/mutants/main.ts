// Brings 25 bugs of other systems into a copy of these sources, one at a time, and runs the specs that must notice.
//   npm run mutants [-- NUMBER …]
import { mutants } from './bugs.ts'
import type { Mutant } from './mutant.ts'
import { runSpecs } from './report.ts'
import { missingIn, type Verdict, verdictOf } from './verdict.ts'
import { Workshop } from './workshop.ts'

const WORKERS = 2

async function main(): Promise<void> {
  const numbers = process.argv.slice(2).map(Number)
  const chosen = mutants.filter(({ bug }) => numbers.length === 0 || numbers.includes(bug))
  const workshops = await Promise.all(Array.from({ length: WORKERS }, () => Workshop.open()))
  try {
    await expectGreen(workshops[0] as Workshop, chosen)
    const verdicts = new Map<Mutant, Verdict>()
    const left = [...chosen]
    const work = async (workshop: Workshop) => {
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const started = Date.now()
        const verdict = await judge(workshop, mutant)
        verdicts.set(mutant, verdict)
        print(mutant, verdict, Date.now() - started)
      }
    }
    await Promise.all(workshops.map(work))
    close(verdicts)
  } finally {
    await Promise.all(workshops.map((workshop) => workshop.close()))
  }
}

/** Nothing is shown by a test that is red without any mutant. */
async function expectGreen(workshop: Workshop, chosen: readonly Mutant[]): Promise<void> {
  const specs = [...new Set(chosen.flatMap(({ red }) => Object.keys(red)))]
  const tested = await runSpecs(workshop.folder, specs)
  const missing = chosen.flatMap((mutant) => missingIn(mutant, tested).map((test) => `bug ${mutant.bug}: ${test}`))
  if (missing.length > 0) throw new Error(`Expected these tests to pass without a mutant:\n${missing.join('\n')}`)
  console.log(`without a mutant: ${tested.length} tests of ${specs.length} files, those named are green`)
}

async function judge(workshop: Workshop, mutant: Mutant): Promise<Verdict> {
  try {
    return await workshop.with(mutant, async () =>
      verdictOf(mutant, await runSpecs(workshop.folder, Object.keys(mutant.red))),
    )
  } catch (error) {
    return { caught: false, why: `INVALID: ${error instanceof Error ? error.message : error}` }
  }
}

function print({ bug, thread, undone, red }: Mutant, { caught, why }: Verdict, ms: number): void {
  const tests = Object.values(red).flat().length
  const what = caught ? `caught by ${tests} ${tests === 1 ? 'test' : 'tests'}` : why
  console.log(`${String(bug).padStart(2)}  ${thread.padEnd(16)}  ${undone}: ${what} (${(ms / 1000).toFixed(0)} s)`)
}

function close(verdicts: ReadonlyMap<Mutant, Verdict>): void {
  const bugs = [...new Set([...verdicts.keys()].map(({ bug }) => bug))]
  const isCaught = (bug: number) => [...verdicts].every(([mutant, { caught }]) => mutant.bug !== bug || caught)
  const caught = bugs.filter(isCaught).length
  console.log(`mutants ${caught}/${bugs.length}`)
  if (bugs.length === 0 || caught < bugs.length) process.exitCode = 1
}

await main()

import type { Figures } from './metrics.ts'
import { type MicroName, micros } from './micro/micros.ts'

/** CPU time of one measurement, in µs: long enough for the clock of the CPU time, short enough for many rounds. */
const LONG_ENOUGH = 20_000
/** CPU time until the code is compiled, in µs. */
const WARM_UP = 150_000

/** What the parent asks of this process. */
export interface MicroJob {
  readonly names: readonly MicroName[]
  readonly rounds: number
}

/** Runs all operations in turn, round by round, in this one process, and prints their figures. */
const { names, rounds }: MicroJob = JSON.parse(process.argv[2] as string)
const works = names.map((name) => micros[name]())
const counts = works.map(countOf)
const found: Figures[][] = []
for (let round = 0; round < rounds; round++)
  found.push(works.map((work, i) => ({ ns: (cpuOf(work, counts[i] as number) * 1000) / (counts[i] as number) })))
console.log(JSON.stringify(found))

/** How many operations take long enough, once they are compiled. */
function countOf(work: (count: number) => void): number {
  let count = 1000
  for (let spent = 0; ; ) {
    const took = cpuOf(work, count)
    spent += took
    if (took < LONG_ENOUGH) count *= 2
    else if (spent > WARM_UP) return count
  }
}

/** CPU time of so many operations, in µs, with what the collector of garbage takes meanwhile. */
function cpuOf(work: (count: number) => void, count: number): number {
  const start = process.cpuUsage()
  work(count)
  const { user, system } = process.cpuUsage(start)
  return user + system
}

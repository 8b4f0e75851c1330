import type { Barrier } from './barrier.ts'
import type { Committing } from './commit.ts'
import type { Partition } from './partition.ts'

/** Commits in transactions, each partition for itself. */
export class Barriers implements Committing {
  private readonly partitions: Iterable<Partition<unknown>>

  constructor(partitions: Iterable<Partition<unknown>>) {
    this.partitions = partitions
  }

  touch(): void {
    for (const barrier of this.all()) barrier.touch()
  }

  touchIfDue(): void {
    this.touch()
  }

  idle(): void {}

  flush(done: () => void): void {
    const all = [...this.all()]
    let open = all.length + 1
    const countDown = () => {
      if (--open === 0) done()
    }
    for (const barrier of all) barrier.flush(countDown)
    countDown()
  }

  suspend(): void {}

  resume(): void {}

  forget(): void {}

  private *all(): Iterable<Barrier> {
    for (const { barrier } of this.partitions) if (barrier !== undefined) yield barrier
  }
}

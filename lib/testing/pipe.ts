import type { Observable, Subscription } from 'rxjs'
import type { MemoryBroker } from '../memory/memoryBroker.ts'

/** What a pipe emitted, or how it ended. */
export type Emission = { readonly at: number } & (
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'complete' }
)

/** A pipe under test, or a function that makes it: called again after a crash, as a new process would. */
export type PipeOf<T> = Observable<T> | ((kafka: MemoryBroker) => Observable<T>)

/** A pipe that runs in a test, through its crashes. */
export class Pipe {
  readonly emissions: Emission[] = []
  /** Whether the test says what it has to emit: then an error is seen there. */
  isExpected = false
  /** Whether the test is over: nothing is noted any more. */
  isOver = false
  private readonly kafka: MemoryBroker
  private readonly made: PipeOf<unknown>
  private subscription: Subscription | undefined

  constructor(kafka: MemoryBroker, made: PipeOf<unknown>) {
    this.kafka = kafka
    this.made = made
  }

  start(): void {
    const pipe = typeof this.made === 'function' ? this.made(this.kafka) : this.made
    this.subscription = pipe.subscribe({
      next: (value) => this.note({ at: this.now, kind: 'next', value }),
      error: (error) => this.note({ at: this.now, kind: 'error', error }),
      complete: () => this.note({ at: this.now, kind: 'complete' }),
    })
  }

  stop(): void {
    this.subscription?.unsubscribe()
  }

  private get now(): number {
    return this.kafka.clock.now()
  }

  private note(emission: Emission): void {
    if (!this.isOver) this.emissions.push(emission)
  }
}

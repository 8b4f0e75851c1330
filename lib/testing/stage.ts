import { type ComparedLane, mismatchOf } from './mismatch.ts'
import { Pipe, type PipeOf } from './pipe.ts'
import { TestBroker } from './testBroker.ts'
import type { VirtualTime } from './virtualTime.ts'

/** A lane that a test expects, under a title. */
export interface NamedLane extends ComparedLane {
  readonly title: string
  /** What the characters stand for that the test has not named. */
  readonly legend?: readonly string[]
}

/** What a test expects of lanes, asked once all has happened. */
interface Expectation {
  readonly lanes: () => readonly NamedLane[]
  /** Carries the stack of the call that said so. */
  readonly calledAt: Error
}

/** A test while it runs: its time, its Kafka, its pipes, and what is expected of them. */
export class Stage {
  readonly time: VirtualTime
  readonly kafka: TestBroker
  private readonly until: number
  private readonly pipes: Pipe[] = []
  private readonly expectations: Expectation[] = []

  constructor(time: VirtualTime, until: number) {
    this.time = time
    this.until = until
    this.kafka = new TestBroker(time)
    time.looked = () => this.kafka.look()
  }

  /** Does something at an instant of the test. */
  later(work: () => void, at: number): void {
    this.time.schedule(work, at)
  }

  /** Runs a pipe from the start of the test. */
  run(made: PipeOf<unknown>): Pipe {
    const pipe = new Pipe(this.kafka, made)
    this.pipes.push(pipe)
    this.later(() => pipe.start(), 0)
    return pipe
  }

  /** A crash of the process and its restart: every pipe begins anew, from what is committed. */
  crash(): void {
    this.kafka.crash()
    for (const pipe of this.pipes) pipe.stop()
    for (const pipe of this.pipes) pipe.start()
  }

  /** @param called the function whose caller is shown when it fails */
  expect(lanes: () => readonly NamedLane[], called: (...args: never[]) => unknown): void {
    const calledAt = new Error()
    Error.captureStackTrace(calledAt, called)
    this.expectations.push({ lanes, calledAt })
  }

  /** The end of what is expected: what happens from now on is the kit's own doing. */
  close(): void {
    this.kafka.journal.isClosed = true
    for (const pipe of this.pipes) pipe.isOver = true
  }

  /** Lets all happen that is to happen by the horizon. */
  play(): void {
    while (this.time.step(this.until));
    this.close()
  }

  /** @throws Error with a drawing of each lane that is not as expected */
  check(): void {
    const failures = this.expectations.flatMap(({ lanes, calledAt }) =>
      lanes().flatMap((lane) => {
        const drawing = mismatchOf(lane)
        return drawing === undefined ? [] : [{ text: failureText(lane, drawing), calledAt }]
      }),
    )
    const [first] = failures
    if (first === undefined) return
    const error = first.calledAt
    error.message = failures.map(({ text }) => text).join('\n\n')
    error.stack = `Error: ${error.message}\n${error.stack?.replace(/^.*\n/, '')}`
    throw error
  }
}

function failureText({ title, legend = [] }: NamedLane, drawing: string): string {
  const indented = [...drawing.split('\n'), ...legend].map((line) => `  ${line}`)
  return [`Expected ${title}:`, '', ...indented].join('\n')
}

import { type Observable, Subscription } from 'rxjs'
import { callSite } from '../callSite.ts'
import { textOf } from './glyphs.ts'
import { type Leftovers, leftoversText } from './leftovers.ts'
import { type ComparedLane, mismatchOf } from './mismatch.ts'
import { type Emission, Pipe, type PipeOf } from './pipe.ts'
import { TestBroker } from './testBroker.ts'
import type { VirtualTime } from './virtualTime.ts'

/** How long the end of a test waits for its sources to leave, in ms. */
const PATIENCE = 600_000

/** A lane that a test expects, under a title. */
export interface NamedLane extends ComparedLane {
  readonly title: string
  /** What the characters stand for that the test has not named. */
  readonly legend?: readonly string[]
}

/** What a test expects of lanes, asked once all has happened. */
interface Expectation {
  readonly lanes: () => readonly NamedLane[]
  /** The stack of the call that said so. */
  readonly calledAt: string | undefined
}

/** A test while it runs: its time, its Kafka, its pipes, and what is expected of them. */
export class Stage {
  readonly time: VirtualTime
  readonly kafka: TestBroker
  /** Messages that the test leaves unsettled, by their places. */
  readonly unsettled = new Set<string>()
  private readonly until: number
  private readonly pipes: Pipe[] = []
  private readonly expectations: Expectation[] = []
  /** What is drawn, and what is watched: over with the test. */
  private readonly drawn = new Subscription()
  private isOver = false
  /** Whether something would still have gone on. */
  private isEndless = false

  constructor(time: VirtualTime, until: number) {
    this.time = time
    this.until = until
    this.kafka = new TestBroker(time)
    time.looked = () => this.kafka.look()
  }

  /** Does something at an instant of the test. */
  later(work: () => void, at: number): void {
    this.drawn.add(this.time.schedule(work, at))
  }

  /** Runs a pipe from the start of the test. */
  run(made: PipeOf<unknown>): Pipe {
    const pipe = new Pipe(this.kafka, made)
    this.pipes.push(pipe)
    this.later(() => pipe.start(), 0)
    return pipe
  }

  /** Notes what an observable emits, from now to the end of the test, also through a crash. */
  watch(values: Observable<unknown>): readonly Emission[] {
    const emissions: Emission[] = []
    this.drawn.add(values.subscribe((value) => emissions.push({ at: this.time.now(), kind: 'next', value })))
    return emissions
  }

  /** A crash of the process and its restart: every pipe begins anew, from what is committed. */
  crash(): void {
    this.kafka.crash()
    for (const pipe of this.pipes) pipe.stop()
    for (const pipe of this.pipes) pipe.start()
  }

  /** @param called the function whose caller is shown when it fails */
  expect(lanes: () => readonly NamedLane[], called: (...args: never[]) => unknown): void {
    this.expectations.push({ lanes, calledAt: callSite(called) })
  }

  /** Lets all happen that is to happen by the horizon, action by action: in between, promises may go on. */
  *play(): Generator<void> {
    if (this.isOver) return
    do yield
    while (this.time.step(this.until))
    this.isOver = true
    // Before what is drawn is taken away: nothing is drawn so late.
    this.isEndless = this.until === Number.POSITIVE_INFINITY && this.time.actions.length > 0
    this.kafka.journal.isClosed = true
    for (const pipe of this.pipes) pipe.isOver = true
    this.drawn.unsubscribe()
  }

  /** Ends what still runs, as SIGTERM does. */
  *end(): Generator<void> {
    const { kafka, time } = this
    kafka.recover()
    kafka.drain()
    const { sourceCount } = kafka
    const limit = time.now() + PATIENCE
    do yield
    while (!kafka.isClosed && kafka.sourceCount === sourceCount && time.step(limit))
    for (const pipe of this.pipes) pipe.stop()
    do yield
    while (time.step(time.now()))
  }

  /**
   * @param nameOf what a message is called
   * @throws Error with a drawing of each lane that is not as expected, and with what is left behind
   */
  check(nameOf: Leftovers['nameOf']): void {
    const failures = this.expectations.flatMap(({ lanes, calledAt }) =>
      lanes().flatMap((lane) => {
        const drawing = mismatchOf(lane)
        return drawing === undefined ? [] : [{ text: failureText(lane, drawing), calledAt }]
      }),
    )
    const endless = this.isEndless ? [ENDLESS] : []
    const texts = [...failures.map(({ text }) => text), ...endless, ...this.errors(), ...this.leftovers(nameOf)]
    this.time.clear()
    if (texts.length === 0) return
    const error = new Error(texts.join('\n\n'))
    const calledAt = failures[0]?.calledAt
    if (calledAt !== undefined) error.stack = `Error: ${error.message}\n${calledAt}`
    throw error
  }

  /** Of pipes whose output nobody has looked at. */
  private errors(): readonly string[] {
    return this.pipes
      .filter(({ isExpected }) => !isExpected)
      .flatMap(({ emissions }) => emissions)
      .flatMap((one) =>
        one.kind === 'error' ? [`Expected no error of a pipe, got ${textOf(one.error)} at ${one.at} ms`] : [],
      )
  }

  private leftovers(nameOf: Leftovers['nameOf']): readonly string[] {
    const { kafka, time } = this
    return leftoversText({
      unsettled: kafka.unsettled,
      expectedUnsettled: this.unsettled,
      groups: kafka.groupsNotLeft,
      timers: time.actions.map(({ delay }) => delay),
      nameOf,
    })
  }
}

const ENDLESS =
  'Expected the test to come to rest, got something that still goes on after a day of virtual time: say when it ends, kafkaTest(test, { until: ms })'

function failureText({ title, legend = [] }: NamedLane, drawing: string): string {
  const indented = [...drawing.split('\n'), ...legend].map((line) => `  ${line}`)
  return [`Expected ${title}:`, '', ...indented].join('\n')
}

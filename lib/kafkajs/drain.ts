import type { Clock, Timer } from '../clock.ts'
import type { CoordinatorClient, EachBatch } from './client.ts'
import { isMember, type MemberName } from './coordinator.ts'
import { isFenced, typeOf } from './errors.ts'

/**
 * The wait before a join: what is in flight settles and commits while the old generation is still accepted, and
 * heartbeats keep the membership meanwhile. It is given up once the broker no longer knows the member.
 */
export class Drain {
  private readonly clock: Clock
  private readonly interval: number
  private readonly onLost: () => void
  private readonly onAnswer: () => void
  private heartbeat: EachBatch['heartbeat'] | undefined
  private generation = -1
  private end: (() => void) | undefined
  private timer: Timer | undefined

  /** @param onAnswer called when the broker has answered a heartbeat */
  constructor(clock: Clock, interval: number, onLost: () => void, onAnswer: () => void) {
    this.clock = clock
    this.interval = interval
    this.onLost = onLost
    this.onAnswer = onAnswer
  }

  learnHeartbeat({ heartbeat }: EachBatch): void {
    this.heartbeat ??= heartbeat
  }

  learnGeneration(generation: number): void {
    this.generation = generation
  }

  /** @param drain calls `done` when all is settled and committed */
  async run(coordinator: CoordinatorClient, member: MemberName, drain: (done: () => void) => void): Promise<void> {
    if (!(await isMember(coordinator, member, this.generation))) return this.onLost()
    await new Promise<void>((resolve) => {
      this.end = resolve
      this.beatLater()
      drain(resolve)
    })
    this.giveUp()
  }

  /** Ends the wait. */
  giveUp(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.end?.()
    this.end = undefined
  }

  private beatLater(): void {
    this.timer = this.clock.schedule(() => {
      // REBALANCE_IN_PROGRESS is what we know already, and the broker has counted the heartbeat.
      const { end } = this
      this.heartbeat?.().then(this.onAnswer, (error) => {
        if (typeOf(error) !== undefined) this.onAnswer()
        // An answer that comes after the join is of the generation before.
        if (isFenced(error) && this.end === end) this.onLost()
      })
      this.beatLater()
    }, this.interval)
  }
}

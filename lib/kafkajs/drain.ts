import type { Clock, Timer } from '../clock.ts'
import type { CoordinatorClient, EachBatch } from './client.ts'
import { isFenced, typeOf } from './errors.ts'

const UNKNOWN = -1

/** A coordinator as KafkaJS has it at run time: its types leave the heartbeat out. */
interface BeatingCoordinator extends CoordinatorClient {
  heartbeat?(request: { groupId: string; memberId: string; groupGenerationId: number }): Promise<unknown>
}

/**
 * The wait before a join: what is in flight settles and commits while the old generation is still accepted, and
 * heartbeats keep the membership meanwhile. It is given up once the broker no longer knows the member.
 */
export class Drain {
  private readonly clock: Clock
  private readonly interval: number
  private readonly onLost: () => void
  private heartbeat: EachBatch['heartbeat'] | undefined
  private generation = UNKNOWN
  private end: (() => void) | undefined
  private timer: Timer | undefined

  constructor(clock: Clock, interval: number, onLost: () => void) {
    this.clock = clock
    this.interval = interval
    this.onLost = onLost
  }

  learnHeartbeat({ heartbeat }: EachBatch): void {
    this.heartbeat ??= heartbeat
  }

  learnGeneration(generation: number | undefined): void {
    this.generation = generation ?? UNKNOWN
  }

  /** @param drain calls `done` when all is settled and committed */
  async run(
    groupId: string,
    memberId: string | undefined,
    find: () => Promise<CoordinatorClient>,
    drain: (done: () => void) => void,
  ): Promise<void> {
    if (!(await this.isMember(groupId, memberId, await find()))) return this.onLost()
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

  /**
   * KafkaJS joins again after UNKNOWN_MEMBER_ID without a word, and its own heartbeat is then silently left out; so
   * the broker is asked.
   */
  private async isMember(
    groupId: string,
    memberId: string | undefined,
    coordinator: BeatingCoordinator,
  ): Promise<boolean> {
    try {
      await coordinator.heartbeat?.({ groupId, memberId: memberId ?? '', groupGenerationId: this.generation })
      return true
    } catch (error) {
      return this.generation === UNKNOWN ? typeOf(error) !== 'UNKNOWN_MEMBER_ID' : !isFenced(error)
    }
  }

  private beatLater(): void {
    this.timer = this.clock.schedule(() => {
      // REBALANCE_IN_PROGRESS is what we know already, and the broker has counted the heartbeat.
      this.heartbeat?.().catch((error) => isFenced(error) && this.onLost())
      this.beatLater()
    }, this.interval)
  }
}

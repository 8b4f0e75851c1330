import type { Clock } from '../clock.ts'
import type { CoordinatorClient } from './client.ts'
import { isFenced, typeOf } from './errors.ts'

/** A member of a group, as the broker knows it. */
export interface MemberName {
  readonly groupId: string
  readonly memberId: string
}

/** A coordinator as KafkaJS has it at run time: its types leave these out. */
interface Coordinator extends CoordinatorClient {
  heartbeat?(request: MemberName & { groupGenerationId: number }): Promise<unknown>
  leaveGroup?(request: MemberName): Promise<unknown>
  joinGroup?(request: unknown): Promise<{ generationId: number }>
  syncGroup?(request: unknown): Promise<unknown>
}

/**
 * Asks whether the broker still counts a member in. KafkaJS joins again after UNKNOWN_MEMBER_ID without a word, and
 * its own heartbeat is then silently left out.
 *
 * @param generation negative when it is not known; the broker looks for the member first
 */
export async function isMember(coordinator: Coordinator, member: MemberName, generation: number): Promise<boolean> {
  try {
    await coordinator.heartbeat?.({ ...member, groupGenerationId: generation })
    return true
  } catch (error) {
    return generation < 0 ? typeOf(error) !== 'UNKNOWN_MEMBER_ID' : !isFenced(error)
  }
}

/** Takes a member that crashed out of its group, which would wait a whole session for it otherwise. */
export async function takeOut(coordinator: Coordinator, member: MemberName): Promise<void> {
  await coordinator.leaveGroup?.(member).catch(() => {})
}

/** Has a coordinator tell of each heartbeat that the broker has answered, and when it was sent. */
export function onHeartbeat(coordinator: Coordinator, clock: Clock, tell: (sentAt: number) => void): void {
  const beat = coordinator.heartbeat?.bind(coordinator)
  if (beat === undefined) return
  coordinator.heartbeat = async (request) => {
    const sentAt = clock.now()
    const answer = await beat(request)
    tell(sentAt)
    return answer
  }
}

/** What KafkaJS keeps to itself when it joins. */
export interface JoinListener {
  /** The broker has let it join, in this generation. */
  onGeneration(generation: number): void
  /** It has joined, but was not told its partitions. */
  onSyncFailed(): void
}

/** Has a coordinator tell of joins. */
export function hearJoins(coordinator: Coordinator, listener: JoinListener): void {
  const join = coordinator.joinGroup?.bind(coordinator)
  const sync = coordinator.syncGroup?.bind(coordinator)
  if (join === undefined || sync === undefined) return
  coordinator.joinGroup = async (request) => {
    const joined = await join(request)
    listener.onGeneration(joined.generationId)
    return joined
  }
  coordinator.syncGroup = async (request) => {
    try {
      return await sync(request)
    } catch (error) {
      listener.onSyncFailed()
      throw error
    }
  }
}

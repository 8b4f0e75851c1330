import type { Position } from './broker.ts'

/** What is done about an alarm: only the event, a nack, which `onNack` decides about, or the end of the source. */
export type AlarmAction = 'warn' | 'nack' | 'stop'

/** The words of {@link AlarmAction}. */
export const ALARM_ACTIONS: readonly AlarmAction[] = ['warn', 'nack', 'stop']

/** Says that nobody can settle a message any more. */
export function leakText(place: Position): string {
  return `nobody holds ${textOf(place)} any more, and nobody acked it: an operator like filter, switchMap, debounce or take dropped it; use filterValue() or perMessage(), which ack what they drop, or ack it where it is dropped`
}

/** Says that a message is worked on for too long. */
export function stuckText(place: Position, ageMs: number, isWaiting: boolean): string {
  const advice = isWaiting
    ? 'an operator tries it again and again: see what its server says'
    : 'look where it waits, give that a timeout, or raise maxProcessing'
  return `${textOf(place)} is the oldest message in flight for ${ageMs} ms: nothing behind it is committed; ${advice}`
}

/** What holds all that may be in flight. */
export interface Stall {
  readonly place: Position
  readonly sinceMs: number
  readonly inFlight: number
  readonly maxInFlight: number
  readonly bytes: number
  readonly maxBytes: number
}

/** Says that a source can't go on. */
export function stalledText({ place, sinceMs, inFlight, maxInFlight, bytes, maxBytes }: Stall): string {
  return `${textOf(place)} and what follows wait for ${sinceMs} ms, and nothing more is delivered: ${inFlight} messages (${bytes} bytes) are in flight, and none is settled. A buffer of the pipe, such as bufferCount(5000), waits for more than it can get: have it close after a time too, or raise maxInFlight (${maxInFlight} a partition) or maxBytes (${maxBytes})`
}

function textOf({ topic, partition, offset }: Position): string {
  return `${topic}[${partition}]@${offset}`
}

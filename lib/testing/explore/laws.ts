import type { Position } from '../../broker.ts'
import { textOf } from '../glyphs.ts'
import { placeText } from '../leftovers.ts'
import { type Effect, effectsOf } from './effects.ts'
import type { Arrival, Life } from './life.ts'
import type { Seen } from './world.ts'

/** What lives are judged by. */
export interface Expected {
  readonly topic: string
  /** What each message does, by its name, when it comes alone and nothing fails. */
  readonly effects: ReadonlyMap<string, readonly Effect[]>
  /** The key of a message, by its name; null when it has none. */
  keyOf(name: string): string | null
  /** Whether messages of one key of a partition take effect in their order. */
  readonly isOrdered: boolean
}

/** A message that came, at its place. */
interface Arrived extends Arrival {
  readonly place: Position
}

/** Says which law a life has broken, in words; undefined when none. */
export function brokenLaw(life: Life, seen: Seen, expected: Expected): string | undefined {
  const arrived = arrivedIn(life, expected.topic)
  return (
    pipeError(seen) ??
    backwards(seen) ??
    uncommitted(arrived, seen) ??
    lost(arrived, seen, expected) ??
    (expected.isOrdered ? disorder(arrived, seen, expected) : undefined)
  )
}

/** Says how a pipe has ended by itself, if it has. */
export function pipeError({ emissions }: Seen): string | undefined {
  const error = emissions.find(({ kind }) => kind === 'error')
  return error?.kind === 'error' ? `the pipe errors at ${error.at} ms: ${textOf(error.error)}` : undefined
}

function backwards({ kafka }: Seen): string | undefined {
  const offsets = new Map<string, number>()
  for (const { groupId, place, at } of kafka.journal.of(['committed'])) {
    const where = `${place.topic}[${place.partition}] of group ${groupId}`
    const before = offsets.get(where) ?? 0
    if (place.offset < before) return `${where} is committed up to ${place.offset} at ${at} ms, and was up to ${before}`
    offsets.set(where, place.offset)
  }
  return undefined
}

function uncommitted(arrived: readonly Arrived[], { kafka }: Seen): string | undefined {
  const groups = new Set(kafka.journal.of(['delivered']).map(({ groupId }) => groupId))
  if (groups.size === 0) return 'the pipe reads nothing of the broker that it is given'
  for (const groupId of groups)
    for (const { name, place } of arrived) {
      const committed = kafka.committed(groupId, place.topic).get(place.partition) ?? 0
      if (committed <= place.offset)
        return `${name} (${placeText(place)}) is never committed by group ${groupId}: it has committed up to ${committed}`
    }
  return undefined
}

function lost(arrived: readonly Arrived[], seen: Seen, { topic, effects }: Expected): string | undefined {
  const done = new Set(effectsOf(seen, topic).map(keyOf))
  for (const { name, place } of arrived) {
    const missing = effects.get(name)?.find((effect) => !done.has(keyOf(effect)))
    if (missing !== undefined)
      return `${name} (${placeText(place)}) is committed and lost: it never did ${missing.where} ${missing.text}`
  }
  return undefined
}

/** A repeat may come late, but the first time each message takes effect comes after that of those before it. */
function disorder(arrived: readonly Arrived[], seen: Seen, expected: Expected): string | undefined {
  const causes = causesOf(arrived, expected)
  const latest = new Map<string, Arrived>()
  const met = new Set<string>()
  for (const effect of effectsOf(seen, expected.topic)) {
    const cause = causes.get(keyOf(effect))
    if (cause === undefined || met.has(keyOf(effect))) continue
    met.add(keyOf(effect))
    const lane = `${effect.where} ${cause.place.partition} ${expected.keyOf(cause.name)}`
    const before = latest.get(lane)
    if (before !== undefined && before.place.offset > cause.place.offset)
      return `${cause.name} (${placeText(cause.place)}) takes effect after ${before.name} (${placeText(before.place)}), which has its key: ${effect.where} ${effect.text}`
    latest.set(lane, cause)
  }
  return undefined
}

/** Of each effect the message that it is of, where only one with a key has it. */
function causesOf(arrived: readonly Arrived[], { effects, keyOf: keyOfName }: Expected): ReadonlyMap<string, Arrived> {
  const causes = new Map<string, Arrived>()
  const shared = new Set<string>()
  for (const one of arrived)
    for (const key of new Set(effects.get(one.name)?.map(keyOf))) {
      if (causes.has(key) || keyOfName(one.name) === null) shared.add(key)
      causes.set(key, one)
    }
  for (const key of shared) causes.delete(key)
  return causes
}

function arrivedIn({ arrivals }: Life, topic: string): readonly Arrived[] {
  const next = new Map<number, number>()
  return arrivals.map((arrival) => {
    const { partition } = arrival
    const offset = next.get(partition) ?? 0
    next.set(partition, offset + 1)
    return { ...arrival, place: { topic, partition, offset } }
  })
}

function keyOf({ where, text }: Effect): string {
  return `${where} ${text}`
}

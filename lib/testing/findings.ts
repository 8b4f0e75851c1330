import type { Position } from '../broker.ts'
import { json } from '../codec.ts'
import type { SourceHealth } from '../events.ts'
import type { Topic } from '../topic.ts'
import { textOf } from './glyphs.ts'
import type { EntryOf } from './journal.ts'
import type { LaneEvent } from './mismatch.ts'
import type { PlacedEvent } from './partitionLanes.ts'
import type { Emission } from './pipe.ts'
import { isSameError } from './sameError.ts'

const STATES: Readonly<Record<SourceHealth['state'], string>> = {
  joining: 'j',
  reading: 'r',
  paused: 'p',
  rebalancing: 'b',
  draining: 'd',
  closed: 'c',
}

/**
 * Messages that were nacked, with why.
 *
 * @param expectedOf why it has to be; a message that was nacked with another error goes by `#`
 */
export function nacksIn(
  entries: readonly EntryOf<'nacked'>[],
  expectedOf: (place: Position) => unknown,
): readonly PlacedEvent[] {
  return entries.map(({ at, place, error }) => {
    const name = isSameError(expectedOf(place), error) ? {} : { name: '#' }
    return { at, place, note: textOf(error), ...name }
  })
}

/** Of all deliveries those of a message that its group had before. */
export function redeliveriesIn(entries: readonly EntryOf<'delivered'>[]): readonly PlacedEvent[] {
  const seen = new Set<string>()
  return entries.filter(({ groupId, place: { topic, partition, offset } }) => {
    const delivery = `${topic}[${partition}]@${offset} ${groupId}`
    const isAgain = seen.has(delivery)
    seen.add(delivery)
    return isAgain
  })
}

/** Of what was sent the dead letters, each with the place of the message that it is of. */
export function deadLettersIn(entries: readonly EntryOf<'sent'>[], groupId?: string): readonly PlacedEvent[] {
  return entries.flatMap(({ at, message }) => {
    const told = (name: string) => String(message.headers?.[`dlq.${name}`] ?? '')
    if (told('topic') === '' || (groupId !== undefined && told('group') !== groupId)) return []
    const place = { topic: told('topic'), partition: Number(told('partition')), offset: Number(told('offset')) }
    return [{ at, place, note: `to ${message.topic}, ${told('error.message')}` }]
  })
}

/** Pauses and resumptions, by their characters. */
export function pausesIn(entries: readonly EntryOf<'paused' | 'resumed'>[]): readonly PlacedEvent[] {
  return entries.map(({ at, place, kind }) => ({ at, place, name: kind === 'paused' ? 'p' : 'r', note: kind }))
}

/** The states of a source, by their characters. */
export function statesIn(entries: readonly EntryOf<'state'>[]): readonly LaneEvent[] {
  return entries.map(({ at, state }) => ({ at, name: STATES[state], note: state }))
}

/** What was sent to a topic, as its codec reads it. */
export function sentTo<T>(topic: Topic<T> | string, entries: readonly EntryOf<'sent'>[]): readonly Emission[] {
  const { name, decode } = typeof topic === 'string' ? { name: topic, decode: json().decode } : topic
  return entries
    .filter(({ message }) => message.topic === name)
    .map(({ at, message: { value } }) => ({ at, kind: 'next', value: decode(bytesOf(value)) }))
}

function bytesOf(value: Uint8Array | string | null): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}

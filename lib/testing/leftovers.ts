import type { Position } from '../broker.ts'

/** What is left when a test is over. */
export interface Leftovers {
  /** Messages that were delivered and never settled. */
  readonly unsettled: readonly Position[]
  /** Of these, what the test expects: by places, as text. */
  readonly expectedUnsettled: ReadonlySet<string>
  /** The groups whose member did not leave. */
  readonly groups: readonly string[]
  /** When the timers are due that are left. */
  readonly timers: readonly number[]
  /** What a message is called. */
  nameOf(place: Position): string | undefined
}

/** Says what a test has left behind, a text for each kind. */
export function leftoversText(left: Leftovers): readonly string[] {
  const { unsettled, expectedUnsettled, groups, timers } = left
  const places = new Map(unsettled.map((place) => [placeText(place), left.nameOf(place)]))
  const leaked = [...places].filter(([place]) => !expectedUnsettled.has(place))
  const settled = [...expectedUnsettled].filter((place) => !places.has(place))
  const texts: string[] = []
  if (leaked.length > 0)
    texts.push(
      `Expected all messages to be settled at the end, got ${leaked.map(([place, name]) => (name ? `${name} (${place})` : place)).join(', ')}: ${LEAKED}`,
    )
  if (settled.length > 0)
    texts.push(`Expected ${settled.join(', ')} to be unsettled at the end: it was settled, or never delivered`)
  if (groups.length > 0)
    texts.push(`Expected all consumers to leave at the end, got one in group ${groups.join(', ')}: its pipe can't end`)
  if (timers.length > 0)
    texts.push(
      `Expected no timers to be left at the end, got ${timers.length}, due at ${timers.slice(0, 3).join(', ')} ms: whoever set them has to cancel them when it is unsubscribed`,
    )
  return texts
}

/** A message's place, as text. */
export function placeText({ topic, partition, offset }: Position): string {
  return `${topic}[${partition}]@${offset}`
}

const LEAKED =
  'a plain filter, switchMap or take drops a message unacked (use filterValue, or perMessage around it); a promise needs kafkaTest.async; when it is meant, expectUnsettled says so'

import type { Position, TopicPartition } from '../broker.ts'
import { refuse } from '../expect.ts'
import type { Drawing } from './drawing.ts'
import type { DrawnTopics } from './drawnTopics.ts'
import { Glyphs } from './glyphs.ts'
import type { Mark } from './marbles.ts'
import type { ComparedLane, LaneEvent } from './mismatch.ts'

/** What happened to a message, or at an offset, of a partition. */
export interface PlacedEvent {
  readonly at: number
  readonly place: Position
  /** Its character, when it is not the message's own. */
  readonly name?: string
  /** What is said of it beside its name. */
  readonly note?: string
}

/** A partition's lane, as it was expected and as it was. */
export interface PartitionLane extends ComparedLane {
  readonly place: string
  readonly legend: readonly string[]
}

/** Lays beside a drawing what happened to messages, each by its name in the drawing of its topic. */
export function messageLanes(
  drawing: Drawing,
  events: readonly PlacedEvent[],
  topics: DrawnTopics,
): readonly PartitionLane[] {
  return lanesOf(drawing, events, topics, () => {
    const glyphs = new Glyphs(new Map())
    const nameOf = ({ at, place, name, note }: PlacedEvent): LaneEvent => {
      const text = `${placeText(place)}@${place.offset}`
      if (name !== undefined) return { at, name, ...(note === undefined ? {} : { note }) }
      return { at, name: topics.nameOf(place) ?? glyphs.nameOf(text), note: note ? `${text}: ${note}` : text }
    }
    return { glyphs, nameOf, expect: (mark) => mark }
  })
}

/** As {@link messageLanes}, of offsets next to read: digits, and letters for those that `offsets` names. */
export function offsetLanes(
  drawing: Drawing,
  offsets: Readonly<Record<string, number>>,
  events: readonly PlacedEvent[],
  topics: DrawnTopics,
): readonly PartitionLane[] {
  return lanesOf(drawing, events, topics, () => {
    const digits = Array.from({ length: 10 }, (_, digit): [string, number] => [String(digit), digit])
    const glyphs = new Glyphs(new Map([...Object.entries(offsets), ...digits]))
    const nameOf = ({ at, place }: PlacedEvent): LaneEvent => {
      const before = topics.nameOf({ ...place, offset: place.offset - 1 })
      const name = glyphs.nameOf(place.offset)
      return before === undefined ? { at, name } : { at, name, note: `up to ${before}, offset ${place.offset - 1}` }
    }
    const expect = ({ at, name }: Mark, place: TopicPartition) =>
      nameOf({ at, place: { ...place, offset: offsets[name] ?? digitOf(name) } })
    return { glyphs, nameOf, expect }
  })
}

interface Naming {
  readonly glyphs: Glyphs
  nameOf(event: PlacedEvent): LaneEvent
  /** Names what was expected as {@link nameOf} does what was. */
  expect(mark: Mark, place: TopicPartition): LaneEvent
}

function lanesOf(
  drawing: Drawing,
  events: readonly PlacedEvent[],
  topics: DrawnTopics,
  naming: () => Naming,
): readonly PartitionLane[] {
  const drawn = new Map([...drawing].map(([label, marks]) => [topics.placeOf(label), marks]))
  const places = new Set([...drawn.keys(), ...events.map(({ place }) => placeText(place))])
  return [...places].sort().map((place) => {
    const { glyphs, nameOf, expect } = naming()
    const expected = (drawn.get(place) ?? []).map((mark) => expect(mark, partitionOf(place)))
    const actual = events.filter((event) => placeText(event.place) === place).map(nameOf)
    return { place, expected, actual, above: topics.rowsOf(place), legend: glyphs.legend }
  })
}

function placeText({ topic, partition }: Position): string {
  return `${topic}[${partition}]`
}

function partitionOf(place: string): TopicPartition {
  const [, topic = place, partition] = /^(.*)\[(\d+)\]$/.exec(place) ?? []
  return { topic, partition: Number(partition) }
}

function digitOf(name: string): number {
  if (!/^\d$/.test(name)) refuse('offsets', `an offset for ${name}, such as { ${name}: 12 }`, undefined)
  return Number(name)
}

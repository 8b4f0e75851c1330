import { type Drawing, readDrawing } from './drawing.ts'
import type { DrawnTopics } from './drawnTopics.ts'
import { deadLettersIn, nacksIn, pausesIn, redeliveriesIn, statesIn } from './findings.ts'
import type { EntryKind } from './journal.ts'
import { readMarbles } from './marbles.ts'
import { messageLanes, offsetLanes, type PartitionLane, type PlacedEvent } from './partitionLanes.ts'
import type { Stage } from './stage.ts'

/** Offsets by the characters that stand for them in a drawing: those past 9. */
export type NamedOffsets = Readonly<Record<string, number>>

/** Why messages fail, by their names: an error, a part of its text, or a pattern of it; any for names left out. */
export type NamedErrors = Readonly<Record<string, unknown>>

/**
 * What a test expects of its sources. A drawing has a lane a partition, and all that happens has to be in it. In the
 * lanes of messages each has its name in the drawing of its topic; in those of offsets each is the next one to read, as
 * Kafka stores it: a digit, or a character that `offsets` explains.
 */
export interface Expectations {
  /** Expects messages to be acked. */
  expectAcks(drawing: string): void
  /** Expects messages to be nacked, or abandoned by an operator that held them. */
  expectNacks(drawing: string, errors?: NamedErrors): void
  /** Expects messages to settle when that changes nothing any more: their partition was taken away. */
  expectLate(drawing: string): void
  /** Expects messages to be delivered again. */
  expectRedeliveries(drawing: string): void
  /** Expects messages to be written to a dead-letter topic. */
  expectDeadLetters(drawing: string): void
  /** Expects offsets to become committable, each at the instant of the ack that does it. */
  expectCommittable(drawing: string, offsets?: NamedOffsets): void
  /** Expects the broker to take commits: after the interval, or when nothing is in flight. */
  expectCommits(drawing: string, offsets?: NamedOffsets): void
  /** Expects partitions to be paused (`p`) and resumed (`r`). */
  expectPaused(drawing: string): void
  /**
   * Expects a source, which begins with joining, to change its state, in one lane: `r` reading, `p` paused,
   * `b` rebalancing, `j` joining again, `d` draining, `c` closed.
   */
  expectState(marbles: string): void
}

/** Makes the expectations of a test: of one group, or of all. */
export function expectationsOn(stage: Stage, topics: DrawnTopics, groupId?: string): Expectations {
  const { journal } = stage.kafka
  const as = groupId === undefined ? '' : ` as group ${groupId}`
  const entries = <K extends EntryKind>(...kinds: readonly K[]) => journal.of(kinds, groupId)
  const expect = (what: string, drawing: string, called: Called, lanesOf: LanesOf) => {
    const read = readDrawing(drawing, what)
    stage.expect(() => lanesOf(read).map((lane) => ({ ...lane, title: `${what} of ${lane.place}${as}` })), called)
  }
  const ofMessages = (what: string, events: () => readonly PlacedEvent[]) => {
    const called = (drawing: string): void =>
      expect(what, drawing, called, (read) => messageLanes(read, events(), topics))
    return called
  }
  const ofOffsets = (what: string, events: () => readonly PlacedEvent[]) => {
    const called = (drawing: string, offsets: NamedOffsets = {}): void =>
      expect(what, drawing, called, (read) => offsetLanes(read, offsets, events(), topics))
    return called
  }
  const expectNacks = (drawing: string, errors: NamedErrors = {}): void => {
    const events = () => nacksIn(entries('nacked'), (place) => errors[topics.nameOf(place) ?? ''])
    expect('nacks', drawing, expectNacks, (read) => messageLanes(read, events(), topics))
  }
  const expectState = (marbles: string): void => {
    const expected = readMarbles(marbles, 'state')
    stage.expect(() => [{ title: `state${as}`, expected, actual: statesIn(entries('state')) }], expectState)
  }
  return {
    expectAcks: ofMessages('acks', () => entries('acked')),
    expectNacks,
    expectLate: ofMessages('late settlements', () => entries('late')),
    expectRedeliveries: ofMessages('redeliveries', () => redeliveriesIn(entries('delivered'))),
    expectDeadLetters: ofMessages('dead letters', () => deadLettersIn(journal.of(['sent']), groupId)),
    expectCommittable: ofOffsets('committable offsets', () => entries('committable')),
    expectCommits: ofOffsets('commits', () => entries('committed')),
    expectPaused: ofMessages('pauses', () => pausesIn(entries('paused', 'resumed'))),
    expectState,
  }
}

type Called = (...args: never[]) => unknown
type LanesOf = (drawing: Drawing) => readonly PartitionLane[]

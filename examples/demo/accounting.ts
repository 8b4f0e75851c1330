import { type Comparison, compare } from './compare.ts'
import type { DemoData } from './data.ts'
import { type ExpectedResults, expectedResults } from './expected.ts'
import type { DeadLetter, ObservedResults } from './observed.ts'
import { type InputTopic, type PipelineDescription, type PipelineName, pipelines } from './pipelines.ts'

/** What a pipeline committed of its input, and where that ends: the next offsets, by partition. */
export interface Offsets {
  readonly committed: ReadonlyMap<number, number>
  readonly end: ReadonlyMap<number, number>
}

/** The books of one pipeline. All but `uncommitted` are numbers of messages. */
export interface PipelineAccount {
  /** Messages in its input topic. */
  readonly produced: number
  /** With the result that an independent computation says. */
  readonly processed: number
  readonly deadLettered: number
  /** Neither. */
  readonly lost: number
  /** With another result, or results that nobody asked for. */
  readonly wrong: number
  /** Results that came once more. */
  readonly repeated: number
  /** Partitions whose committed offset is not their end offset. */
  readonly uncommitted: readonly number[]
}

/** The books of a run: of each pipeline, and their sum. A message that two pipelines read counts twice. */
export interface Account extends Omit<PipelineAccount, 'uncommitted'> {
  readonly committed: boolean
  readonly pipelines: Readonly<Record<PipelineName, PipelineAccount>>
  /** Whether nothing was lost, nothing wrong, and all committed. */
  readonly ok: boolean
}

/** Draws up the books. */
export function accountOf(
  data: DemoData,
  observed: ObservedResults,
  offsets: Readonly<Record<PipelineName, Offsets>>,
): Account {
  const expected = expectedResults(data)
  const parts = pipelines.map(
    (one) => [one.name, accountOne(one, data, expected, observed, offsets[one.name])] as const,
  )
  const sum = (column: keyof Omit<PipelineAccount, 'uncommitted'>) =>
    parts.reduce((all, [, part]) => all + part[column], 0)
  const committed = parts.every(([, { uncommitted }]) => uncommitted.length === 0)
  const totals = {
    produced: sum('produced'),
    processed: sum('processed'),
    deadLettered: sum('deadLettered'),
    lost: sum('lost'),
    wrong: sum('wrong'),
    repeated: sum('repeated'),
  }
  return {
    ...totals,
    committed,
    pipelines: Object.fromEntries(parts) as Record<PipelineName, PipelineAccount>,
    ok: committed && totals.lost === 0 && totals.wrong === 0,
  }
}

function accountOne(
  { name, groupId, input }: PipelineDescription,
  data: DemoData,
  expected: ExpectedResults,
  observed: ObservedResults,
  offsets: Offsets,
): PipelineAccount {
  const bad = input === 'orders' ? undecodable(data) : []
  const results = compare(expected[name], observed[name])
  const letters = compare(bad, bad.length > 0 ? lettersOf(observed.deadLetters, groupId) : [])
  const both = (column: keyof Comparison) => results[column] + letters[column]
  return {
    produced: inputOf(data, input).length,
    processed: results.right,
    deadLettered: letters.right,
    lost: both('lost'),
    wrong: both('wrong'),
    repeated: both('repeated'),
    uncommitted: uncommitted(offsets),
  }
}

function undecodable({ orders }: DemoData) {
  return orders.filter((order) => typeof order === 'string').map((text) => ({ id: text, content: 'orders' }))
}

/** A group that gave up on a message sent it on with its bytes as they came. */
function lettersOf(letters: readonly DeadLetter[], group: string) {
  return letters
    .filter(({ groupId }) => groupId === group)
    .map(({ text, topic }) => ({ id: text, content: `${topic}` }))
}

function inputOf(data: DemoData, input: InputTopic): readonly unknown[] {
  return { feed_activities: data.activities, orders: data.orders, search_queries: data.searches }[input]
}

function uncommitted({ committed, end }: Offsets): readonly number[] {
  return [...end].filter(([partition, offset]) => committed.get(partition) !== offset).map(([partition]) => partition)
}

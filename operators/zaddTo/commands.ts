import { hashedPart, type Item, scoreText } from './entry.ts'
import { type Extras, scriptOf } from './script.ts'

/** How the members are written. */
export interface Plan {
  /** Those of ZADD. */
  readonly flags: readonly string[]
  /** Whether each message wants its own reply. */
  readonly isEach: boolean
  /** What a plain ZADD can't do; undefined where one will do. */
  readonly extras: Extras | undefined
}

/** One command, and the places in the batch of the messages it is for. */
export interface Command {
  readonly key: string
  readonly words: (string | number)[]
  readonly places: readonly number[]
}

/** Members in one command at most: Redis serves nobody else while it runs one. */
const MEMBERS = 500

/** One command a key: several times the throughput of one a member. */
export function commandsOf(items: readonly Item[], plan: Plan): Command[] {
  const { flags, isEach, extras } = plan
  const most = isEach && extras === undefined ? 1 : MEMBERS
  return groupsOf(items, most).map(({ key, places }) => {
    const own = places.map((place) => items[place] as Item)
    return { key, places, words: extras === undefined ? zaddOf(own, flags) : scriptOf(own, flags, extras) }
  })
}

function zaddOf(items: readonly Item[], flags: readonly string[]): (string | number)[] {
  const [{ key }] = items as [Item]
  // In small letters: ioredis 5's pipeline takes the name for that of its own method.
  const words: (string | number)[] = ['zadd', key, ...flags]
  for (const { score, member } of items) words.push(scoreText(score), member)
  return words
}

/** The places of each key, so many together at most, in the order of the messages. */
function groupsOf(items: readonly Item[], most: number): { readonly key: string; readonly places: number[] }[] {
  const groups: { key: string; places: number[] }[] = []
  const open = new Map<string, { key: string; places: number[] }>()
  for (const [place, { key }] of items.entries()) {
    let group = open.get(key)
    if (group === undefined || group.places.length === most) {
      group = { key, places: [] }
      groups.push(group)
      open.set(key, group)
    }
    group.places.push(place)
  }
  return groups
}

/** The commands that may go in one pipeline: in a cluster, those whose keys are in one hash slot for certain. */
export function pipelinesOf(commands: readonly Command[], isCluster: boolean): (readonly Command[])[] {
  if (!isCluster) return [commands]
  const pipelines = new Map<string, Command[]>()
  for (const command of commands) {
    const part = hashedPart(command.key)
    pipelines.set(part, [...(pipelines.get(part) ?? []), command])
  }
  return [...pipelines.values()]
}

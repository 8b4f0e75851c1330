import type { TopicPartition } from './broker.ts'

/** A member of a group, as whoever deals out the partitions knows it. */
export interface StickyMember {
  readonly topics: readonly string[]
  /** What it had until now. */
  readonly owned: readonly TopicPartition[]
  /** The generation of the group that gave it these; of two members that claim a partition the later one has it. */
  readonly generation: number
}

/** What a member is dealt, by topic. What it keeps comes first, so that what is taken from the end was never its own. */
interface Hand<P> {
  readonly topics: ReadonlySet<string>
  readonly held: Map<string, P[]>
  size: number
}

/**
 * Deals partitions out among members: each to one, the members of equal topics within one of each other, and as few as
 * possible to another member than before.
 *
 *     before   [0 1 2]  [3 4 5]  []
 *     after    [0 1]    [3 4]    [5 2]
 *
 * Deterministic: equal members, in the same order, are dealt the same. After Kafka's StickyAssignor (KIP-54).
 *
 * @returns for each member, in their order, what it has from now on
 */
export function assignSticky<P extends TopicPartition>(
  partitions: readonly P[],
  members: readonly StickyMember[],
): readonly (readonly P[])[] {
  const hands = members.map(({ topics }): Hand<P> => ({ topics: new Set(topics), held: new Map(), size: 0 }))
  const owners = ownersOf(members)
  const free: P[] = []
  for (const place of partitions) {
    const owner = hands[owners.get(keyOf(place)) ?? -1]
    if (owner?.topics.has(place.topic)) give(owner, place)
    else free.push(place)
  }
  fill(hands, free)
  level(hands)
  return hands.map(({ held }) => [...held.values()].flat())
}

/** The member that each claimed partition belongs to: a member that was away may not know that another has it. */
function ownersOf(members: readonly StickyMember[]): Map<string, number> {
  const owners = new Map<string, number>()
  members.forEach(({ owned, generation }, i) => {
    for (const place of owned) {
      const rival = members[owners.get(keyOf(place)) ?? -1]
      if (rival === undefined || rival.generation < generation) owners.set(keyOf(place), i)
    }
  })
  return owners
}

/** Gives what nobody had to those who have least; first what fewest can have. */
function fill<P extends TopicPartition>(hands: readonly Hand<P>[], free: readonly P[]): void {
  const takers = new Map<string, readonly Hand<P>[]>()
  for (const { topic } of free) {
    if (!takers.has(topic))
      takers.set(
        topic,
        hands.filter(({ topics }) => topics.has(topic)),
      )
  }
  const takersOf = ({ topic }: TopicPartition) => takers.get(topic) ?? []
  for (const place of [...free].sort((a, b) => takersOf(a).length - takersOf(b).length)) {
    let poorest: Hand<P> | undefined
    for (const hand of takersOf(place)) {
      if (poorest === undefined || hand.size < poorest.size) poorest = hand
    }
    if (poorest !== undefined) give(poorest, place)
  }
}

/** Has those who have most give to those who have least, until no such gift makes them more alike. */
function level<P extends TopicPartition>(hands: readonly Hand<P>[]): void {
  for (;;) {
    const bySize = [...hands].sort((a, b) => b.size - a.size)
    if (!bySize.some((from) => bySize.some((_, i) => pass(from, bySize.at(-1 - i) as Hand<P>)))) return
  }
}

/** Passes one on, of the topic in which the two differ most, if `from` has at least two more than `to`. */
function pass<P extends TopicPartition>(from: Hand<P>, to: Hand<P>): boolean {
  if (from.size - to.size < 2) return false
  let most: P[] | undefined
  let difference = Number.NEGATIVE_INFINITY
  for (const [topic, places] of from.held) {
    const more = places.length - (to.held.get(topic)?.length ?? 0)
    if (!to.topics.has(topic) || places.length === 0 || more <= difference) continue
    most = places
    difference = more
  }
  const place = most?.pop()
  if (place === undefined) return false
  from.size--
  give(to, place)
  return true
}

function give<P extends TopicPartition>(hand: Hand<P>, place: P): void {
  const places = hand.held.get(place.topic)
  if (places === undefined) hand.held.set(place.topic, [place])
  else places.push(place)
  hand.size++
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

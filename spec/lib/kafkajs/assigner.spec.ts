import { AssignerProtocol, PartitionAssigners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { roundRobin, sticky } from '../../../lib/kafkajs/assigner.ts'
import type { Assigner, ClusterClient } from '../../../lib/kafkajs/client.ts'
import { NOTHING_OWNED, type Owned } from '../../../lib/kafkajs/subscription.ts'

const { MemberAssignment, MemberMetadata } = AssignerProtocol

/** A cluster that knows two topics. */
const cluster = {
  findTopicPartitionMetadata: (topic: string) =>
    Array.from({ length: topic === 'a' ? 4 : topic === 'b' ? 3 : 0 }, (_, partitionId) => ({ partitionId })),
} as ClusterClient

const stickyOwning = (owned: Owned) => sticky(cluster, () => owned)
const places = (topic: string, ...partitions: number[]) => partitions.map((partition) => ({ topic, partition }))

/** A member as KafkaJS hands it to the leader. */
const member = (memberId: string, assigner: Assigner, topics = ['a', 'b']) => ({
  memberId,
  memberMetadata: assigner.protocol({ topics }).metadata,
})

/** What each member is dealt, as KafkaJS reads it. */
async function shares(members: { memberId: string; memberMetadata: Buffer }[], topics = ['a', 'b']) {
  const dealt = await sticky(cluster, () => NOTHING_OWNED).assign({ members, topics })
  return Object.fromEntries(
    dealt.map(({ memberId, memberAssignment }) => [
      memberId,
      { ...MemberAssignment.decode(memberAssignment)?.assignment },
    ]),
  )
}

describe('roundRobin', () => {
  it("is KafkaJS's, to the byte", async () => {
    const theirs = PartitionAssigners.roundRobin({ cluster } as never)
    const ours = roundRobin(cluster)
    expect([ours.name, ours.version]).toEqual([theirs.name, theirs.version])
    expect(ours.protocol({ topics: ['a', 'b'] })).toEqual(theirs.protocol({ topics: ['a', 'b'] }))
    const members = [member('m2', ours), member('m1', ours), member('m3', ours)]
    const [given, expected] = await Promise.all(
      [ours, theirs].map((assigner) => assigner.assign({ members, topics: ['a', 'b'] })),
    )
    expect(given).toEqual(expected)
  })
})

describe('sticky', () => {
  it("has the name of Kafka's own, and user data in its bytes: topics with partitions, then the generation", () => {
    const { name, metadata } = stickyOwning({
      places: [...places('a', 0, 2), ...places('b', 1)],
      generation: 7,
    }).protocol({ topics: ['a', 'b'] })
    expect(name).toBe('sticky')
    const { version, topics, userData } = MemberMetadata.decode(metadata) ?? {}
    expect([version, topics]).toEqual([0, ['a', 'b']])
    expect(userData?.toString('hex')).toBe(
      [
        '00000002',
        ...['0001', '61', '00000002', '00000000', '00000002'],
        ...['0001', '62', '00000001', '00000001'],
        '00000007',
      ].join(''),
    )
  })

  it('leaves to each member what it had', async () => {
    const first = stickyOwning({ places: [...places('a', 1, 2), ...places('b', 0)], generation: 3 })
    const second = stickyOwning({ places: [...places('a', 0, 3), ...places('b', 1, 2)], generation: 3 })
    expect(await shares([member('m2', second), member('m1', first)])).toEqual({
      m1: { a: [1, 2], b: [0] },
      m2: { a: [0, 3], b: [1, 2] },
    })
  })

  it('deals out in the order of the names, so that every leader would deal the same', async () => {
    const fresh = stickyOwning(NOTHING_OWNED)
    const dealt = { m1: { a: [0, 2], b: [0, 2] }, m2: { a: [1, 3], b: [1] } }
    expect(await shares([member('m2', fresh), member('m1', fresh)])).toEqual(dealt)
    expect(await shares([member('m1', fresh), member('m2', fresh)])).toEqual(dealt)
  })

  it('gives a member only topics that it reads', async () => {
    const fresh = stickyOwning(NOTHING_OWNED)
    expect(await shares([member('m1', fresh, ['a']), member('m2', fresh)])).toEqual({
      m1: { a: [0, 1, 2, 3] },
      m2: { b: [0, 1, 2] },
    })
  })

  it('takes no claim from user data of another kind', async () => {
    const fresh = stickyOwning(NOTHING_OWNED)
    const foreign = (userData: Buffer) => ({
      memberId: 'm2',
      memberMetadata: MemberMetadata.encode({ version: 1, topics: ['a', 'b'], userData }),
    })
    const usual = await shares([member('m1', fresh), member('m2', fresh)])
    const kinds = [
      Buffer.alloc(0),
      Buffer.from('{"kind":"sticky-of-another-client"}'),
      Buffer.from('ffffffff', 'hex'),
      Buffer.from('7fffffff', 'hex'),
      Buffer.from('00000001ffff', 'hex'),
      Buffer.from('000000010001', 'hex'),
    ]
    for (const kind of kinds) expect(await shares([member('m1', fresh), foreign(kind)])).toEqual(usual)
  })

  it('reads user data of the first version, which has no generation', async () => {
    const first = stickyOwning({ places: places('a', 3), generation: 0 })
    const { topics, userData = Buffer.alloc(0) } =
      MemberMetadata.decode(first.protocol({ topics: ['a'] }).metadata) ?? {}
    const old = {
      memberId: 'm2',
      memberMetadata: MemberMetadata.encode({ version: 0, topics: topics ?? [], userData: userData.subarray(0, -4) }),
    }
    const { m2 } = await shares([member('m1', stickyOwning(NOTHING_OWNED), ['a']), old], ['a'])
    expect(m2).toEqual({ a: [3, 2] })
  })

  it('takes a member whose subscription it cannot read for one that reads what the leader reads', async () => {
    const broken = { memberId: 'm2', memberMetadata: Buffer.from([0]) }
    expect(await shares([member('m1', stickyOwning(NOTHING_OWNED), ['a']), broken], ['a'])).toEqual({
      m1: { a: [0, 2] },
      m2: { a: [1, 3] },
    })
  })
})

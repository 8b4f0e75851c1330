import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { murmur2 } from '../../../lib/memory/murmur2.ts'

describe('murmur2', () => {
  // The vectors of Kafka's own test of its clients.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s to %i', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  it("chooses the partition that kafkajs's DefaultPartitioner chooses, for any bytes", () => {
    const choose = Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => {
      return { partitionId, partitionErrorCode: 0, leader: 0, replicas: [], isr: [] }
    })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const key = Buffer.from(bytes)
        const theirs = choose({ topic: 't', partitionMetadata, message: { key, value: null } })
        expect((murmur2(bytes) & 0x7fffffff) % 7).toBe(theirs)
      }),
    )
  })

  it('hashes a view of a larger buffer by its own bytes', () => {
    expect(murmur2(Buffer.from('xfoobarx').subarray(1, 7))).toBe(-790332482)
  })
})

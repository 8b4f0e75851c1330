import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAcks, encodeAcks } from '../../lib/ackMap.ts'

/** Ranges of what is acked, given what is not, in a span from a low watermark on. */
function rangesOf(low: number, span: number, open: Iterable<number>): number[] {
  const ranges: number[] = []
  let from = low
  for (const at of [...open].sort((a, b) => a - b)) {
    if (low + at > from) ranges.push(from, low + at)
    from = low + at + 1
  }
  if (low + span > from) ranges.push(from, low + span)
  return ranges
}

/** Numbers below `limit`, the same at every run. */
function pseudoRandom(limit: number): () => number {
  let seed = 7
  return () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return Math.floor((seed / 0x80000000) * limit)
  }
}

function scattered(count: number, span: number): Set<number> {
  const [open, next] = [new Set([0]), pseudoRandom(span)]
  while (open.size < count) open.add(next())
  return open
}

function clumps(count: number, size: number, span: number): Set<number> {
  const [open, next] = [new Set([0]), pseudoRandom(span - size)]
  for (let clump = 0; clump < count; clump++) {
    const start = next()
    for (let i = 0; i < size; i++) open.add(start + i)
  }
  return open
}

const LOW = 1_234_567
const lengthOf = (span: number, open: Set<number>) => encodeAcks({ low: LOW, ranges: rangesOf(LOW, span, open) }).length

describe('encodeAcks', () => {
  it('is read back by decodeAcks, whatever is acked', () => {
    const map = fc
      .tuple(fc.nat(2 ** 45), fc.nat(3000), fc.array(fc.nat(3000), { maxLength: 800 }))
      .map(([low, span, open]) => ({ low, ranges: rangesOf(low, span, new Set(open.filter((at) => at < span))) }))
    const property = fc.property(map, ({ low, ranges }) => {
      const text = encodeAcks({ low, ranges })
      if (ranges.length === 0) expect(text).toBe('')
      else expect(decodeAcks(text)).toEqual({ low, ranges })
      expect(text.length).toBeLessThanOrEqual(4096)
      expect(text).toMatch(/^(acks1:[rdb][\w-]+)?$/)
    })
    fc.assert(property, { numRuns: 2000 })
  })

  it('needs few characters for what happens', () => {
    const lengths = {
      'one stuck of 50 000': lengthOf(50_000, new Set([0])),
      'ten clumps of 100 in 10 000': lengthOf(10_000, clumps(10, 100, 10_000)),
      '500 scattered in 10 000': lengthOf(10_000, scattered(500, 10_000)),
      '1000 scattered in 24 000': lengthOf(24_000, scattered(1000, 24_000)),
      '1000 scattered in 100 000': lengthOf(100_000, scattered(1000, 100_000)),
      'every second of 1000': lengthOf(1000, new Set(Array.from({ length: 500 }, (_, i) => i * 2))),
      '500 scattered in 1000': lengthOf(1000, scattered(500, 1000)),
    }
    const bounds: Record<keyof typeof lengths, number> = {
      'one stuck of 50 000': 20,
      'ten clumps of 100 in 10 000': 70,
      '500 scattered in 10 000': 750,
      '1000 scattered in 24 000': 1450,
      '1000 scattered in 100 000': 2000,
      'every second of 1000': 40,
      '500 scattered in 1000': 190,
    }
    for (const [what, bound] of Object.entries(bounds)) {
      const length = lengths[what as keyof typeof lengths]
      expect(length, what).toBeLessThanOrEqual(bound)
      expect(length, what).toBeGreaterThan(bound / 2)
    }
  })

  it('takes the form that is shortest', () => {
    const formOf = (span: number, open: Set<number>) => encodeAcks({ low: 0, ranges: rangesOf(0, span, open) })[6]
    expect(formOf(50_000, new Set([0]))).toBe('r')
    expect(formOf(24_000, scattered(1000, 24_000))).toBe('d')
    expect(formOf(1000, scattered(500, 1000))).toBe('b')
  })

  it('gives nothing where the acks do not fit', () => {
    expect(encodeAcks({ low: 0, ranges: rangesOf(0, 1_000_000, scattered(4000, 1_000_000)) })).toBe('')
  })

  it('gives nothing where there are none', () => {
    expect(encodeAcks({ low: 5, ranges: [] })).toBe('')
  })
})

describe('decodeAcks', () => {
  it('reads nothing from the metadata of others', () => {
    for (const text of ['', 'consumer-7', '{"a":1}', 'acks2:rAAAA', 'acks1:', 'acks1:x', 'acks1:dAAAA', 'AQAAAQ=='])
      expect(decodeAcks(text), text).toBeUndefined()
  })

  it('reads nothing from what is cut off', () => {
    const text = encodeAcks({ low: 300, ranges: [400, 500] })
    expect(decodeAcks(text)).toEqual({ low: 300, ranges: [400, 500] })
    expect(decodeAcks(text.slice(0, -2))).toBeUndefined()
  })

  it('gives ascending ranges above the low watermark or nothing, whatever it reads', () => {
    const property = fc.property(
      fc.constantFrom('r', 'd', 'b'),
      fc.uint8Array({ maxLength: 60 }),
      fc.boolean(),
      (form, bytes, deflated) => {
        const map = decodeAcks(
          `acks1:${form}${Buffer.from(deflated ? deflateRawSync(bytes) : bytes).toString('base64url')}`,
        )
        let before = map?.low ?? 0
        map?.ranges.forEach((edge, i) => {
          expect(edge).toBeGreaterThanOrEqual(i === 0 ? before : before + 1)
          before = edge
        })
        expect((map?.ranges.length ?? 0) % 2).toBe(0)
      },
    )
    fc.assert(property, { numRuns: 2000 })
  })

  it('inflates no more than what could have been written', () => {
    const bomb = deflateRawSync(Buffer.alloc(1 << 24, 1)).toString('base64url')
    expect(decodeAcks(`acks1:d${bomb}`)).toBeUndefined()
  })
})

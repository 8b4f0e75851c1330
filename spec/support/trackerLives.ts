import fc from 'fast-check'

/** What can happen to a tracker. `pick` chooses among the messages that it can happen to. */
export type Step =
  | { readonly type: 'poll'; readonly gaps: readonly number[]; readonly tail: number }
  | { readonly type: 'ack' | 'nack' | 'again' | 'release'; readonly pick: number }
  /** Acks every so manieth of the open messages, the newest first. */
  | { readonly type: 'sweep'; readonly every: number }
  | { readonly type: 'commit' }
  | { readonly type: 'fence' }

const picking = (type: 'ack' | 'nack' | 'again' | 'release') =>
  fc.record({ type: fc.constant(type), pick: fc.nat(1e6) })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('poll' as const),
      gaps: fc.array(fc.nat(3), { maxLength: 6 }),
      tail: fc.nat(3),
    }),
  },
  { weight: 8, arbitrary: picking('ack') },
  { weight: 1, arbitrary: picking('nack') },
  { weight: 1, arbitrary: picking('release') },
  { weight: 1, arbitrary: picking('again') },
  { weight: 1, arbitrary: fc.constant({ type: 'commit' as const }) },
)

/** A life of a tracker, which ends with a fence or not. */
export const steps: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(step, { maxLength: 40, size: 'max' }),
    fc.constantFrom(0, 1, 2),
    fc.array(step, { maxLength: 4, size: 'max' }),
  )
  .map(([before, fences, after]) => (fences === 2 ? [...before, { type: 'fence' }, ...after] : before))

/** A life with hundreds and thousands of messages in flight, so that the ring wraps and grows. */
export const floods: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ gaps: fc.nat(900), tail: fc.nat(3) }).map(({ gaps, tail }): Step => {
      return { type: 'poll', gaps: Array.from({ length: gaps }, (_, i) => i % 3), tail }
    }),
    fc.record({ type: fc.constant('sweep' as const), every: fc.integer({ min: 1, max: 4 }) }),
    picking('ack'),
    picking('again'),
  ),
  { minLength: 10, maxLength: 40, size: 'max' },
)

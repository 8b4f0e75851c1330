import fc from 'fast-check'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, it } from 'vitest'
import { readDrawing } from '../../../lib/testing/drawing.ts'
import { drawRows } from '../../../lib/testing/drawRows.ts'
import { type Mark, readMarbles } from '../../../lib/testing/marbles.ts'
import { holds } from '../../support/property.ts'

/** As RxJS reads them in its run mode. */
function asRxjs(marbles: string) {
  class Marbles extends TestScheduler {
    static override frameTimeFactor = 1
  }
  const names = (name: unknown) => (typeof name === 'string' ? name : '?')
  return Marbles.parseMarbles(marbles, undefined, undefined, false, true).map(({ frame, notification }) => ({
    at: frame,
    name: { N: (value: unknown) => names(value), E: () => '#', C: () => '|' }[notification.kind](
      'value' in notification ? notification.value : undefined,
    ),
  }))
}

const name = fc.constantFrom(...'abcxyz0129')
const token = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('-', '--', ' ', ' 3s ', ' 12ms ', ' 1.5s ', ' 2m ', '|', '#') },
  { weight: 3, arbitrary: name },
  { weight: 1, arbitrary: fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `(${names.join('')})`) },
)
const marbles = fc.array(token, { maxLength: 20 }).map((tokens) => tokens.join(''))

/** Marks with room for their groups, so that every row can be read again. */
const rows = fc
  .array(fc.tuple(fc.integer({ min: 4, max: 3000 }), fc.array(name, { minLength: 1, maxLength: 2 })), { maxLength: 8 })
  .map((events) => {
    let at = 0
    return events.flatMap(([wait, names]) => {
      at += wait
      return names.map((one) => ({ at, name: one }))
    })
  })

describe('readMarbles', () => {
  it('reads as RxJS does', () => {
    holds(marbles, (drawn) => expect(readMarbles(drawn, 'marbles')).toEqual(asRxjs(drawn)), { runs: 500 })
  })

  it.each(['(a', 'a)', '((a))', 'a(b(c)'])('refuses the group that is not closed in %s', (drawn) => {
    expect(() => readMarbles(drawn, 'marbles')).toThrow(
      `Expected \`marbles\` to be marbles with each ( closed by a ), got \`${drawn}\``,
    )
  })

  it('refuses what has no meaning in a lane', () => {
    expect(() => readMarbles('--^-!', 'marbles')).toThrow(
      'Expected `marbles` to be marbles without ^ and !, got `--^-!`',
    )
  })
})

describe('readDrawing', () => {
  it('reads a line a lane, one without a label as partition 0', () => {
    const drawn = readDrawing('0: a\nctl: --X', 'topic', 'topic')
    expect([...drawn]).toEqual([
      ['0', [{ at: 0, name: 'a' }]],
      ['ctl', [{ at: 2, name: 'X' }]],
    ])
    expect([...readDrawing('orders[1]: -b', 'acks')]).toEqual([['orders[1]', [{ at: 1, name: 'b' }]]])
    expect([...readDrawing('-a', 'topic')]).toEqual([['0', [{ at: 1, name: 'a' }]]])
  })

  it('refuses a lane that comes twice, or that can not be there', () => {
    const topic = 'Expected `topic` to be lanes 0: 1: … and ctl: ctl[0]: …, each once'
    expect(() => readDrawing('0: a\n0: b', 'topic', 'topic')).toThrow(topic)
    expect(() => readDrawing('orders[0]: a', 'topic', 'topic')).toThrow(topic)
    expect(() => readDrawing('ctl: X', 'acks')).toThrow('Expected `acks` to be lanes 0: 1: … or orders[0]:, each once')
  })
})

describe('drawRows', () => {
  it('draws over one another what happens at one instant, and a long wait as a time', () => {
    const { lines, columnOf } = drawRows([
      { label: 'expected', marks: readMarbles('a-b 198ms (cd)', 'marbles') },
      { label: 'actual', marks: readMarbles('a--e 197ms f----g', 'marbles') },
      { label: 'none', marks: [] },
    ])
    expect(lines).toEqual([
      'expected  a-b- 197ms (cd)',
      'actual    a--e 197ms f----g', //
      'none      -',
    ])
    expect(columnOf(201)).toBe(lines[1]?.indexOf('f'))
  })

  it('says what it draws late, because a group takes the room', () => {
    const { lines, late } = drawRows([
      { label: 'expected', marks: readMarbles('(ab)-c', 'marbles') },
      { label: 'actual', marks: readMarbles('a-b--d', 'marbles') },
    ])
    expect(lines).toEqual(['expected  (ab)-c', 'actual    a---bd'])
    expect(late).toEqual([2])
  })

  it('draws rows that can be read again', () => {
    const isReadAgain = (marks: readonly Mark[]) => {
      const [line = ''] = drawRows([{ label: 'row', marks }]).lines
      expect(readMarbles(line.slice('row  '.length), 'marbles')).toEqual(marks)
    }
    holds(rows, isReadAgain, { runs: 500 })
  })
})

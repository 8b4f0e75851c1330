import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fluxRows } from '../../operators/enrichFromInflux/csv.ts'
import { holds } from '../support/property.ts'

/** Turns the reader of quotes on, and is no row. */
const QUOTED = '\n#x,"y"'

describe('fluxRows', () => {
  it.each([
    ['without quotes', ''],
    ['with a quote somewhere', QUOTED],
  ])('reads lines of LF, the last without one, short rows and empty cells, %s', (_, rest) => {
    const csv = '#datatype,string,double,boolean\n,name,price,open\n,a,1.5,true\n,,,\n,b\n\n,error\n,late'
    expect(fluxRows(csv + rest)).toEqual([
      { name: 'a', price: 1.5, open: true },
      { name: '', price: null, open: false },
      { name: 'b', price: null, open: false },
      { error: 'late' },
    ])
  })

  it('reads a text without quotes as it does when a quote follows', () => {
    const types = fc.array(fc.constantFrom('string', 'double', 'long', 'boolean'), { maxLength: 4 })
    const cells = fc.array(fc.constantFrom('', 'a', 'b', '1.5', 'true', 'é ', '#group'), { maxLength: 5 })
    const line = fc.record({
      cells: fc.oneof(
        { weight: 1, arbitrary: types.map((some) => ['#datatype', ...some]) },
        { weight: 5, arbitrary: cells },
      ),
      end: fc.constantFrom('\n', '\r\n'),
    })
    const lines = fc.array(line, { maxLength: 12 }).map((some) => some.map(({ cells, end }) => cells.join() + end))
    holds(
      fc.record({ lines, isCut: fc.boolean() }),
      ({ lines, isCut }) => {
        const csv = isCut ? lines.join('').replace(/\r?\n$/, '') : lines.join('')
        expect(fluxRows(csv)).toEqual(fluxRows(csv + QUOTED))
      },
      { runs: 500 },
    )
  })
})

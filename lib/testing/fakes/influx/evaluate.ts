import { type Expression, FluxError } from './flux.ts'

/** A row of an answer, by column. */
export type Row = Readonly<Record<string, unknown>>

/** What an expression is for a row. */
export function evaluate(expression: Expression | undefined, row: Row): unknown {
  if (expression === undefined) throw new FluxError('an argument is missing')
  switch (expression.kind) {
    case 'value':
      return expression.value
    case 'column':
      return row[expression.name]
    case 'and':
      return expression.terms.every((term) => evaluate(term, row) === true)
    case 'or':
      return expression.terms.some((term) => evaluate(term, row) === true)
    case 'exists':
      return evaluate(expression.of, row) !== undefined
    case 'compare':
      return compared(evaluate(expression.left, row), expression.sign, evaluate(expression.right, row))
    case 'name':
      if (expression.name === 'true' || expression.name === 'false') return expression.name === 'true'
      throw new FluxError(`undefined identifier ${expression.name}`)
    case 'call':
      if (expression.name === 'time') return evaluate(expression.given.v, row)
      throw new FluxError(`undefined identifier ${expression.name}, to the fake InfluxDB at least`)
    default:
      throw new FluxError('a value was expected')
  }
}

/** A tag that is not there is other than any text. */
function compared(left: unknown, sign: string, right: unknown): boolean {
  if (left === undefined || right === undefined) return sign === '!='
  if ((typeof left === 'string') !== (typeof right === 'string')) return false
  const [a, b] = [left as number, right as number]
  if (sign === '==') return a === b
  if (sign === '!=') return a !== b
  if (sign === '<') return a < b
  if (sign === '>') return a > b
  return sign === '<=' ? a <= b : a >= b
}

/** Whether an expression is about more than the series of a row. */
export function isOfRows(expression: Expression): boolean {
  if (expression.kind === 'and' || expression.kind === 'or') return expression.terms.some(isOfRows)
  if (expression.kind === 'compare') return isOfRows(expression.left) || isOfRows(expression.right)
  if (expression.kind === 'exists') return isOfRows(expression.of)
  return expression.kind === 'column' && ['_time', '_value', '_start', '_stop'].includes(expression.name)
}

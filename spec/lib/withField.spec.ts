import { describe, expect, it } from 'vitest'
import { withField } from '../../lib/withField.ts'

describe('a value with one field more', () => {
  it('is a copy, with the field at its end', () => {
    const value = { id: 'a', price: 1 }
    const copy = withField(value, 'found', 2)
    expect(Object.entries(copy as object)).toEqual(Object.entries({ id: 'a', price: 1, found: 2 }))
    expect(value).toEqual({ id: 'a', price: 1 })
  })

  it('may have another value in the place of one it had', () => {
    expect(JSON.stringify(withField({ price: 1, id: 'a' }, 'price', 2))).toBe('{"price":2,"id":"a"}')
  })

  it('takes no field for its prototype', () => {
    const value = JSON.parse('{"__proto__": {"isAdmin": true}}')
    const copy = withField(value, 'found', 1) as { readonly isAdmin?: boolean }
    expect([copy.isAdmin, Object.getPrototypeOf(copy)]).toEqual([undefined, Object.prototype])
    expect(Object.getPrototypeOf(withField({}, '__proto__', null))).toBe(Object.prototype)
  })

  it('is the field alone where there was none', () => {
    expect([null, undefined, 5].map((value) => withField(value, 'found', 1))).toEqual(Array(3).fill({ found: 1 }))
  })
})

import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Books } from './books.ts'
import { Ledger } from './ledger.ts'

describe('a ledger', () => {
  let folder: string
  let books: Books
  let ledger: Ledger
  const write = (text: string) => appendFileSync(ledger.path, text)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rkt-ledger-'))
    books = new Books()
    ledger = new Ledger(join(folder, 'ledger'), 'a', books)
    write('style 0 byKey\n')
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  it('reads what was written since, by whole lines', () => {
    ledger.read()
    write('start 100 orders 0 7 k\nend 1')
    ledger.read()
    expect(books.of('orders', 0).isDone(7)).toBe(false)
    write('05 orders 0 7 k\n')
    ledger.read()
    expect(books.of('orders', 0).firstEnd(7)).toBe(105)
    expect(ledger.disorders).toEqual([])
  })

  it('finds messages of a key that begin out of order', () => {
    write('start 1 orders 0 8 k\nend 2 orders 0 8 k\nstart 3 orders 0 7 k\n')
    ledger.read()
    expect(ledger.disorders).toEqual(['orders/0/7 with key k of a began after 8'])
  })

  it('finds messages of a key that overlap, unless any order is asked for', () => {
    const lines = 'start 1 orders 0 7 k\nstart 2 orders 0 8 k\nstart 2 orders 0 9 other\n'
    write(lines)
    ledger.read()
    expect(ledger.disorders).toEqual(['orders/0/8 with key k of a began while 7 was under way'])
    const free = new Ledger(join(folder, 'free'), 'b', books)
    appendFileSync(free.path, `style 0 anyOrder\n${lines}`)
    free.read()
    expect(free.disorders).toEqual([])
  })

  it('begins a partition anew when it was lost, not when it was retained', () => {
    const seven = 'start 1 orders 0 7 k\nend 2 orders 0 7 k\n'
    const place = '[{"topic":"orders","partition":0}]'
    write(`${seven}assigned 3 {"partitions":${place},"retained":${place}}\n${seven}`)
    ledger.read()
    expect(ledger.disorders).toHaveLength(1)
    write(`lost 4 {"partitions":${place}}\n${seven}`)
    ledger.read()
    expect(ledger.disorders).toHaveLength(1)
  })
})

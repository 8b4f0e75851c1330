import { describe, expect, it } from 'vitest'
import { Books } from './books.ts'
import type { Commit } from './commitLog.ts'
import type { Told } from './ledger.ts'
import { verdictOf } from './oracles.ts'
import { type Outage, Outages } from './outages.ts'

const at = { topic: 'orders', partition: 0 }

/** Two members and a partition of ten messages, in which nothing is wrong until a spec makes it so. */
class Scene {
  readonly books = new Books()
  readonly outages = new Outages()
  readonly commits: Commit[] = []
  private readonly told: Told[] = []

  constructor() {
    for (let offset = 0; offset < 10; offset++) this.book.produced.set(offset, { key: 'k', at: 0 })
  }

  get book() {
    return this.books.of(at.topic, at.partition)
  }

  done(member: string, offset: number, startedAt: number, endedAt?: number): this {
    const all = this.book.handled.get(offset) ?? []
    this.book.handled.set(offset, [...all, { member, startedAt, endedAt }])
    return this
  }

  allDone(): this {
    for (let offset = 0; offset < 10; offset++) this.done('a', offset, 10_000 + 10 * offset, 10_000 + 10 * offset + 5)
    return this
  }

  commit(offset: number, time: number): this {
    this.commits.push({ ...at, offset, at: time })
    return this
  }

  outage(kind: Outage['kind'], from: number, to: number): this {
    this.outages.all.push({ kind, slot: 0, from, to })
    return this
  }

  confirmed(time: number): this {
    this.told.push({ type: 'committed', at: time })
    return this
  }

  lost(time: number): this {
    this.told.push({ type: 'lost', at: time })
    return this
  }

  verdict(isGone = (_: number) => false) {
    const ledger = { told: this.told, disorders: [] }
    const members = [
      { name: 'a', slot: 0, ledger },
      { name: 'b', slot: 1, ledger: { told: [], disorders: [] } },
    ]
    const { books, outages, commits } = this
    return verdictOf({ books, outages, commits, members, isGone: (_topic, _partition, offset) => isGone(offset) })
  }
}

describe('the oracles of chaos', () => {
  it('find nothing where all is done once and committed after', () => {
    const verdict = new Scene().allDone().commit(5, 10_100).commit(10, 10_200).verdict()
    expect(verdict).toEqual({
      ...{ messages: 10, deleted: 0, duplicated: 0, bound: 0 },
      ...{ lost: [], unread: [], needless: [], aborted: [], disorders: [], backwards: [], above: [] },
    })
  })

  it('call lost what nobody has done and a commit has passed', () => {
    const scene = new Scene().allDone().commit(10, 20_000)
    scene.book.handled.delete(3)
    expect(scene.verdict().lost).toEqual(['orders[0]@3'])
    expect(scene.verdict().above).toEqual(['orders[0]@3 was not done when 10 was committed at 20000'])
  })

  it('call unread what nobody has done and no commit has passed', () => {
    const scene = new Scene().allDone().commit(9, 20_000)
    scene.book.handled.delete(9)
    expect(scene.verdict()).toMatchObject({ lost: [], unread: ['orders[0]@9'] })
  })

  it('miss nothing that was deleted on purpose or compacted away', () => {
    const scene = new Scene().allDone().commit(10, 20_000)
    scene.book.deletedBelow = 2
    for (const offset of [0, 1, 7]) scene.book.handled.delete(offset)
    expect(scene.verdict((offset) => offset === 7)).toMatchObject({ lost: [], deleted: 2, above: [] })
  })

  it('count as not done what was begun alone', () => {
    const scene = new Scene().allDone()
    scene.book.handled.set(4, [{ member: 'a', startedAt: 1, endedAt: undefined }])
    expect(scene.verdict().unread).toEqual(['orders[0]@4'])
  })

  it('see a commit that goes back', () => {
    const { backwards } = new Scene().allDone().commit(8, 20_000).commit(3, 20_001).commit(8, 20_002).verdict()
    expect(backwards).toEqual(['orders[0] from 8 to 3 at 20001'])
  })

  it('see a commit of what is done only later', () => {
    const { above } = new Scene().allDone().commit(4, 10_020).verdict()
    expect(above).toEqual([
      'orders[0]@2 was not done when 4 was committed at 10020',
      'orders[0]@3 was not done when 4 was committed at 10020',
    ])
  })

  it('see what was delivered though its transaction was aborted', () => {
    const scene = new Scene().allDone().done('a', 20, 1, 2)
    scene.book.aborted.add(20).add(21)
    expect(scene.verdict().aborted).toEqual(['orders[0]@20'])
  })

  it('allow no repetition where there was no fault', () => {
    const verdict = new Scene().allDone().done('b', 9, 11_000, 11_010).verdict()
    expect(verdict).toMatchObject({ duplicated: 1, bound: 0 })
    expect(verdict.needless).toHaveLength(1)
  })

  it('allow the repetition of a commit’s worth before a kill, and of no more', () => {
    const scene = new Scene().allDone().outage('kill', 10_060, 10_060)
    const soon = scene.done('b', 0, 11_000, 11_010).verdict()
    expect(soon).toMatchObject({ duplicated: 1, needless: [] })
    const late = new Scene().allDone().outage('kill', 13_000, 13_000).done('b', 0, 14_000, 14_010).verdict()
    expect(late.needless).toHaveLength(1)
  })

  it('allow a thawed process to end what it had in hand, and nothing else', () => {
    const scene = () => new Scene().outage('freeze', 10_000, 20_000).done('b', 1, 19_000, 19_010)
    expect(scene().done('a', 1, 9990, 20_005).verdict().needless).toEqual([])
    expect(scene().done('a', 1, 20_100, 20_110).verdict().needless).toEqual([])
    expect(scene().done('a', 1, 20_101, 20_110).verdict().needless).toHaveLength(1)
    expect(scene().lost(20_400).done('a', 1, 20_400, 20_410).verdict().needless).toEqual([])
    expect(scene().lost(20_400).done('a', 1, 20_401, 20_410).verdict().needless).toHaveLength(1)
  })

  it('allow a process that is cut off to repeat until it commits again', () => {
    const scene = () => new Scene().outage('network', 10_000, 12_000).confirmed(14_000)
    expect(scene().done('a', 1, 13_000, 13_001).done('b', 1, 19_000, 19_010).verdict().needless).toEqual([])
    expect(scene().done('a', 1, 14_001, 14_002).done('b', 1, 19_000, 19_010).verdict().needless).toHaveLength(1)
  })
})

import { memoryBroker } from 'rxjs-kafka-toolkit'
import { describe, expect, it } from 'vitest'
import { splitOrders } from '../../examples/splitOrders.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'
import { orderJson } from './orders.ts'

function scene() {
  const clock = virtualTime()
  const kafka = memoryBroker({ clock, topics: { orders: 1, lots: 1, 'orders.failed': 1 } })
  const write = (...orders: object[]) =>
    kafka.send(
      orders.map((order) => ({ topic: 'orders', key: null, value: JSON.stringify(order) })),
      () => {},
    )
  const read = (topic: string) => kafka.messages(topic).map(({ value }) => JSON.parse(String(value)))
  const committed = () => kafka.committed('split-orders', 'orders').get(0)
  return { kafka, write, read, committed, pass: (ms: number) => advance(clock, clock.now() + ms) }
}

const lot = (order_id: string, part: number, shares: number) => ({ order_id, part, symbol: 'ACME', shares })

describe('splitOrders', () => {
  it('writes the lots of an order and commits it at once', () => {
    const { kafka, write, read, committed, pass } = scene()
    splitOrders(kafka).subscribe()
    write(orderJson('a', { quantity: 250 }), orderJson('b', { quantity: 7 }))
    pass(50)
    expect(read('lots')).toEqual([lot('a', 0, 100), lot('a', 1, 100), lot('a', 2, 50), lot('b', 0, 7)])
    expect(committed()).toBe(2)
  })

  it('puts an order without shares aside, in the same transaction', () => {
    const { kafka, write, read, committed, pass } = scene()
    splitOrders(kafka).subscribe()
    write(orderJson('a', { quantity: 0 }), orderJson('b', { quantity: 7 }))
    pass(50)
    expect(read('orders.failed')).toEqual([orderJson('a', { quantity: 0 })])
    expect([read('lots'), committed()]).toEqual([[lot('b', 0, 7)], 2])
  })

  it('writes each lot once although nobody hears that it is committed', () => {
    const { kafka, write, read, committed, pass } = scene()
    splitOrders(kafka).subscribe()
    kafka.loseAnswers()
    write(orderJson('a', { quantity: 150 }))
    pass(5000)
    expect([read('lots'), committed()]).toEqual([[lot('a', 0, 100), lot('a', 1, 50)], 1])
  })
})

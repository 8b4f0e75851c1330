import { beforeEach, describe, expect, it } from 'vitest'
import { bytes } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { deadLetter, type Failure, type OnNack, retry } from '../../lib/onNack.ts'
import { topic } from '../../lib/topic.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const failure: Failure = {
  topic: 'orders',
  partition: 3,
  raw: { offset: '42', timestamp: '7', key: Buffer.from('k'), value: Buffer.from([0xff]) },
  error: new TypeError('boom'),
  attempt: 2,
  groupId: 'g',
  failedAt: 1000,
  random: () => 0.5,
}

describe('deadLetter', () => {
  it('keeps key, bytes and time, and says where, why, when and how often it failed', () => {
    expect(deadLetter('failed')(failure)).toEqual({
      do: 'send',
      message: {
        topic: 'failed',
        key: failure.raw.key,
        value: failure.raw.value,
        timestamp: 7,
        headers: {
          'dlq.topic': 'orders',
          'dlq.partition': '3',
          'dlq.offset': '42',
          'dlq.timestamp': '7',
          'dlq.group': 'g',
          'dlq.attempts': '2',
          'dlq.failed-at': '1970-01-01T00:00:01.000Z',
          'dlq.error.type': 'TypeError',
          'dlq.error.message': 'boom',
        },
      },
    })
  })

  it('replaces the story of an earlier failure, and keeps all other headers as they were', () => {
    const headers = { mine: [Buffer.from('a'), Buffer.from('b')], 'dlq.topic': ['x', 'y'], 'dlq.replays': '1' }
    const action = deadLetter('failed')({ ...failure, raw: { ...failure.raw, headers } })
    expect(action).toMatchObject({
      message: { headers: { mine: headers.mine, 'dlq.topic': 'orders', 'dlq.replays': '1' } },
    })
  })

  it('says what was thrown when it is no error', () => {
    const action = deadLetter('failed')({ ...failure, error: 'boom' })
    expect(action).toMatchObject({ message: { headers: { 'dlq.error.type': 'string', 'dlq.error.message': 'boom' } } })
  })
})

describe('onNack', () => {
  let clock: ReturnType<typeof virtualTime>
  let kafka: MemoryBroker

  beforeEach(() => {
    clock = virtualTime()
    kafka = memoryBroker({ clock, topics: { orders: 1, failed: 1 } })
    for (const value of ['a', 'bad', 'c']) kafka.send([{ topic: 'orders', key: null, value }], () => {})
  })

  /** Reads all, and nacks what is bad; says what was delivered, committed and thrown. */
  function read(onNack: OnNack) {
    const delivered: string[] = []
    const errors: string[] = []
    fromTopic(kafka, topic('orders', bytes), { groupId: 'g', onNack }).subscribe({
      next: (message) => {
        const text = String(Buffer.from(message.value))
        delivered.push(text)
        if (text === 'bad') message.nack(new Error('boom'))
        else message.ack()
      },
      error: (error) => errors.push(error.message),
    })
    advance(clock, 60_000)
    const letters = kafka.messages('failed').map(({ headers = {} }) => String(headers['dlq.attempts']))
    return { delivered, errors, letters, committed: kafka.committed('g', 'orders').get(0) }
  }

  it('stop: commits what was before it, and errors with its place', () => {
    const { errors, ...rest } = read('stop')
    expect(rest).toEqual({ delivered: ['a', 'bad'], letters: [], committed: 1 })
    expect(errors[0]).toContain('Cannot process orders[0]@1: boom')
  })

  it('skip: counts it as done', () => {
    expect(read('skip')).toEqual({ delivered: ['a', 'bad', 'c'], errors: [], letters: [], committed: 3 })
  })

  it('deadLetter: sends it, then counts it as done', () => {
    const expected = { delivered: ['a', 'bad', 'c'], errors: [], letters: ['1'], committed: 3 }
    expect(read(deadLetter('failed'))).toEqual(expected)
  })

  it('retry, then stop', () => {
    const { delivered, errors, committed } = read(retry({ attempts: 3, jitter: 'none' }))
    expect({ delivered, committed }).toEqual({ delivered: ['a', 'bad', 'c', 'bad', 'bad'], committed: 1 })
    expect(errors[0]).toContain('Cannot process orders[0]@1: boom')
  })

  it('retry, then deadLetter: the letter says how often it was tried', () => {
    const expected = { delivered: ['a', 'bad', 'c', 'bad', 'bad'], errors: [], letters: ['3'], committed: 3 }
    expect(read(retry({ attempts: 3, jitter: 'none' }).then(deadLetter('failed')))).toEqual(expected)
  })

  it.each([0, 1, 5])('does not count a letter as done before it is written, after %i failures', (times) => {
    kafka.failSends(Object.assign(new Error('away'), { errorClass: 'transient' }), times)
    let committed: number | undefined = -1
    clock.schedule(
      () => {
        committed = kafka.committed('g', 'orders').get(0)
      },
      times * 1000 - 1,
    )
    expect(read(deadLetter('failed'))).toMatchObject({ letters: ['1'], committed: 3 })
    if (times > 0) expect(committed).toBe(1)
  })

  it('stops, and counts nothing as done, when a letter can never be written', () => {
    const { errors, committed } = read(deadLetter('nowhere'))
    expect(committed).toBe(1)
    expect(errors[0]).toContain('Cannot process orders[0]@1: Cannot send to nowhere: the topic does not exist')
  })
})

import { fetch as crossFetch } from 'cross-fetch'
import { describe, expect, it } from 'vitest'
import { Controllers } from '../../operators/postTo/controllers.ts'
import type { FetchLike } from '../../operators/postTo/exchange.ts'

describe('Controllers', () => {
  it('gives one that was given back to the next request of cross-fetch', () => {
    const controllers = new Controllers(crossFetch as FetchLike)
    const first = controllers.take()
    const second = controllers.take()
    controllers.giveBack(first)
    expect(second).not.toBe(first)
    expect(controllers.take()).toBe(first)
    expect(controllers.take()).not.toBe(first)
  })

  it('gives none again that has aborted', () => {
    const controllers = new Controllers(crossFetch as FetchLike)
    const first = controllers.take()
    first.abort()
    controllers.giveBack(first)
    expect(controllers.take()).not.toBe(first)
  })

  it('gives a new one to each request of any other fetch', () => {
    const controllers = new Controllers(fetch as unknown as FetchLike)
    const first = controllers.take()
    controllers.giveBack(first)
    expect(controllers.take()).not.toBe(first)
  })
})

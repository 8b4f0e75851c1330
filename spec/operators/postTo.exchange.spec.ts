import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Controllers } from '../../operators/postTo/controllers.ts'
import { exchange, type FetchLike, type Post, type ResponseLike } from '../../operators/postTo/exchange.ts'

const url = new URL('https://mail.test/send')
const post: Post = { url, method: 'POST', headers: {}, body: '{}', fault: undefined }
const headers = { get: () => null }
const answer: ResponseLike = { status: 200, headers, body: of(Buffer.from('ok')) }
const unreadable: ResponseLike = {
  status: 200,
  headers,
  get body(): null {
    throw new Error('the body is locked')
  },
}

/** All that is heard of one request. */
const heardOf = (fetch: FetchLike) =>
  new Promise<unknown[]>((resolve) => {
    const heard: unknown[] = []
    const exchanges = { fetch, controllers: new Controllers(fetch), maxBytes: 100 }
    exchange(exchanges, post, new AbortController().signal).subscribe({
      next: (one) => heard.push(one),
      error: (error) => resolve([...heard, String(error)]),
      complete: () => resolve(heard),
    })
  })

const WAYS: readonly (readonly [what: string, of: (response: ResponseLike) => ReturnType<FetchLike>])[] = [
  ['an Observable', (response) => of(response)],
  ['a Promise', (response) => Promise.resolve(response)],
]

describe.each(WAYS)('a fetch that gives %s', (_what, given) => {
  it('is answered once', async () => {
    expect(await heardOf(() => given(answer))).toMatchObject([{ status: 200, text: 'ok', isCut: false }])
  })

  it('fails when its body can not be read', async () => {
    const [failure, ...more] = await heardOf(() => given(unreadable))
    expect([failure, more]).toEqual([expect.stringContaining('the body is locked'), []])
  })
})

describe('a fetch that fails', () => {
  it.each([
    ['by a Promise', async () => Promise.reject(new Error('reset'))],
    [
      'at once',
      () => {
        throw new Error('reset')
      },
    ],
  ])('%s has the request fail', async (_how, fetch) => {
    const [failure, ...more] = await heardOf(fetch)
    expect([failure, more]).toEqual([expect.stringContaining('reset'), []])
  })
})

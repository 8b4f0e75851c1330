import { afterEach, describe, expect, it } from 'vitest'
import { errorClassOf } from '../../../lib/errors.ts'
import { type FetchLike, type PostToOptions, postTo } from '../../../operators/postTo/postTo.ts'
import { HTTP_CLIENTS } from '../support/httpClients.ts'
import { type OwnServer, serve } from '../support/ownServer.ts'
import { throughOperator } from '../support/throughOperator.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function opened(answer: Parameters<typeof serve>[0]): Promise<OwnServer> {
  const server = await serve(answer)
  ends.push(server.kill)
  return server
}

describe.each(HTTP_CLIENTS)('postTo by %s', (_name, fetch) => {
  const settle = (url: string, values: readonly unknown[], options: PostToOptions<unknown> = {}) =>
    throughOperator(
      values,
      postTo(url, (value) => ({ value }), { fetch, retry: { delay: 10 }, ...options }),
    )

  it('posts JSON, with its key', async () => {
    const { url, got } = await opened((response) => response.writeHead(202).end())
    const { acked, error } = await settle(url, ['a', 'b'], { concurrency: 1 })
    expect([acked, error]).toEqual([[0, 1], undefined])
    expect(got.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
      'POST /mails {"value":"a"}',
      'POST /mails {"value":"b"}',
    ])
    expect(got[1]?.headers).toMatchObject({
      'content-type': 'application/json',
      'idempotency-key': 'group/postTo/topic-0-1',
    })
  })

  it('nacks what is refused with 400, alone, in the words of the server', async () => {
    const { url } = await opened((response, _call, { body }) =>
      response.writeHead(body.includes('bad') ? 400 : 200).end(body.includes('bad') ? 'no such user\r\nDEL x' : 'ok'),
    )
    const { acked, nacked } = await settle(url, ['a', 'bad', 'c'])
    expect(acked.sort()).toEqual([0, 2])
    expect(String(nacked.get(1))).toContain(`POST to ${url} was answered with 400 "no such user\\r\\nDEL x"`)
  })

  it('tries 500 and a cut connection again', async () => {
    const { url, got } = await opened((response, call) => {
      if (call === 1) response.writeHead(500).end('oops')
      else if (call === 2) response.socket?.destroy()
      else response.writeHead(200).end()
    })
    const { acked, error } = await settle(url, ['a'])
    expect([acked, error]).toEqual([[0], undefined])
    expect(got).toHaveLength(3)
  })

  it('tries an answer again that was cut short', async () => {
    const { url, got } = await opened((response, call) => {
      if (call === 1) response.writeHead(200, { 'Content-Length': '99' }).write('half', () => response.destroy())
      else response.writeHead(200).end()
    })
    // The trap: node-fetch 2, which is under cross-fetch, never ends such a body, so that only the time-out does.
    const { acked } = await settle(url, ['a'], { timeout: 300 })
    expect([acked, got.length]).toEqual([[0], 2])
  })

  it('aborts a request without an answer, and tries it again', async () => {
    const { url, got, aborted } = await opened((response, call) => {
      if (call > 2) response.writeHead(200).end()
      // Headers alone are no answer yet.
      else if (call === 2) response.writeHead(200).write('half')
    })
    const { acked } = await settle(url, ['a'], { timeout: 100 })
    expect(acked).toEqual([0])
    expect([got.length, aborted()]).toEqual([3, 2])
  })

  it('follows no redirect', async () => {
    const { url, got } = await opened((response) => response.writeHead(307, { Location: '/elsewhere' }).end())
    const { nacked } = await settle(url, ['a'])
    expect(errorClassOf(nacked.get(0))).toBe('permanent')
    expect(String(nacked.get(0))).toMatch(/was answered with 307; redirects to ".*\/elsewhere" are not followed/)
    expect(got.map(({ path }) => path)).toEqual(['/mails'])
  })

  it.each([401, 403])('ends the stream with %i', async (status) => {
    const { url } = await opened((response) => response.writeHead(status).end())
    const { error, abandoned } = await settle(url, ['a'])
    expect(error).toMatchObject({ name: 'FatalError', message: expect.stringContaining('let it in') })
    expect(abandoned).toEqual([0])
  })

  it('goes on when a server that was away is there', async () => {
    const { url } = await opened((response) => response.writeHead(200).end())
    const away = 'http://127.0.0.1:9/mails'
    let calls = 0
    const moving: FetchLike = (_url, init) => fetch(++calls < 3 ? away : url, init)
    const { acked } = await settle(url, ['a'], { fetch: moving })
    expect([acked, calls]).toEqual([[0], 3])
  })
})

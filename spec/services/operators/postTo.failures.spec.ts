import { createServer, type Socket } from 'node:net'
import { Agent } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { undiciFetch } from '../../../examples/undiciFetch.ts'
import { errorClassOf } from '../../../lib/errors.ts'
import { type FetchLike, type HttpHeaders, type PostToOptions, postTo } from '../../../operators/postTo/postTo.ts'
import { HTTP_CLIENTS } from '../support/httpClients.ts'
import { listening, type OwnServer, type ServeOptions, serve, urlOf } from '../support/ownServer.ts'
import { selfSigned } from '../support/selfSigned.ts'
import { throughOperator } from '../support/throughOperator.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function opened(answer: Parameters<typeof serve>[0], options?: ServeOptions): Promise<OwnServer> {
  const server = await serve(answer, options)
  ends.push(server.kill)
  return server
}

/** A server of bare sockets, for answers that no HTTP server gives; `request` counts those of all connections from 1. */
async function bare(answer: (socket: Socket, request: number) => void, allowHalfOpen = false) {
  const sockets = new Set<Socket>()
  let requests = 0
  const server = createServer({ allowHalfOpen }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      if (chunk.includes('POST ')) answer(socket, ++requests)
    })
  })
  await listening(server)
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: urlOf(server), requests: () => requests, sockets }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const sorted = (places: readonly number[]) => [...places].sort((a, b) => a - b)

describe.each(HTTP_CLIENTS)('postTo by %s', (_name, fetch) => {
  const settle = (url: string, values: readonly unknown[], options: PostToOptions<unknown> = {}) =>
    throughOperator(
      values,
      postTo(url, (value) => ({ value }), { fetch, retry: { delay: 10, max: 50 }, ...options }),
    )

  it('loses nothing, and keeps each key, when the server is killed under load and comes back', async () => {
    const answers: Parameters<typeof serve>[0] = (response) => setTimeout(() => response.writeHead(202).end(), 2)
    const first = await serve(answers)
    const port = Number(new URL(first.url).port)
    let revived: Promise<OwnServer> | undefined
    const watched: FetchLike = (url, init) => {
      if (first.got.length > 40) revived ??= first.kill().then(() => opened(answers, { port }))
      return fetch(url, init)
    }
    const { acked, nacked, error } = await settle(first.url, numbers(120), { fetch: watched })
    expect([sorted(acked), nacked.size, error]).toEqual([numbers(120), 0, undefined])
    const all = [...first.got, ...((await revived)?.got ?? [])]
    const keyOf = new Map(all.map(({ headers, body }) => [body, headers['idempotency-key']]))
    expect([keyOf.size, new Set(keyOf.values()).size]).toEqual([120, 120])
    expect(new Set(all.map(({ headers }) => headers['idempotency-key'])).size).toBe(120)
  })

  it('takes all that a slow server gives in time, and asks it again for the rest', async () => {
    const { url, got } = await opened((response, call) =>
      setTimeout(() => response.writeHead(200).end(), call % 3 === 0 ? 1_000 : 20),
    )
    const { acked, error } = await settle(url, numbers(12), { timeout: 500 })
    expect([sorted(acked), error]).toEqual([numbers(12), undefined])
    expect(got.length).toBeGreaterThan(12)
  })

  it.each([
    ['seconds', () => '1'],
    ['an HTTP date', () => new Date(Date.now() + 2_000).toUTCString()],
    ['an HTTP date by a clock that is an hour ahead', () => new Date(Date.now() + 3_600_000 + 2_000).toUTCString()],
  ])('waits as 429 says in %s', async (name, retryAfter) => {
    const ahead = name.includes('ahead') ? 3_600_000 : 0
    const { url, got } = await opened((response, call) => {
      if (call > 1) return response.writeHead(204).end()
      const date = new Date(Date.now() + ahead).toUTCString()
      return response.writeHead(429, { 'Retry-After': retryAfter(), Date: date }).end()
    })
    const { acked } = await settle(url, ['a', 'b'], { concurrency: 1 })
    const [first, second] = got.map(({ at }) => at) as [number, number]
    expect([sorted(acked), got.length]).toEqual([[0, 1], 3])
    expect(second - first).toBeGreaterThan(980)
    expect(second - first).toBeLessThan(4_000)
  })

  it('leaves alone the host that asks for it, and no other', async () => {
    const busy = await opened((response, call) =>
      call === 1 ? response.writeHead(503, { 'Retry-After': '1' }).end() : response.writeHead(204).end(),
    )
    const free = await opened((response) => response.writeHead(204).end())
    const urls = [busy.url, busy.url, free.url, free.url]
    const target = { url: (url: string) => url, allow: [busy.url, free.url].map((url) => new URL(url).origin) }
    const { acked } = await throughOperator(urls, postTo(target, String, { fetch, concurrency: 1 }))
    expect([acked.slice(0, 2), sorted(acked.slice(2))]).toEqual([
      [2, 3],
      [0, 1],
    ])
    expect((busy.got[1]?.at ?? 0) - (busy.got[0]?.at ?? 0)).toBeGreaterThan(980)
  })

  it('gets a token, and another once it has expired', async () => {
    let valid = 1
    const tokens = await opened((response) => response.writeHead(200).end(JSON.stringify({ token: `t${valid}` })))
    const { url, got } = await opened((response, call, { headers }) => {
      if (call === 20) valid++
      response.writeHead(headers.authorization === `Bearer t${valid}` ? 202 : 401).end()
    })
    const auth = async (): Promise<HttpHeaders> => {
      const answer = await globalThis.fetch(tokens.url)
      const { token } = (await answer.json()) as { token: string }
      return { Authorization: `Bearer ${token}` }
    }
    const { acked, error } = await settle(url, numbers(50), { auth })
    expect([sorted(acked), error]).toEqual([numbers(50), undefined])
    expect(tokens.got).toHaveLength(2)
    expect(new Set(got.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer t1', 'Bearer t2']))
  })

  it('ends the stream when a new token is refused, too', async () => {
    const { url, got } = await opened((response) => response.writeHead(401).end('who?'))
    let asked = 0
    const { error, abandoned } = await settle(url, ['a'], {
      auth: async () => ({ Authorization: `Bearer ${++asked}` }),
    })
    expect(error?.message).toContain('was answered with 401 "who?"; give postTo the headers that let it in')
    expect([abandoned, asked, got.length]).toEqual([[0], 2, 2])
  })

  it('asks again when the connection is closed in the place of an answer, by half or whole', async () => {
    const { url, requests } = await bare((socket, request) => {
      if (request === 1) socket.end()
      else if (request === 2) socket.destroy()
      else if (request === 3) socket.resetAndDestroy()
      else socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    }, true)
    const { acked, error } = await settle(url, ['a'])
    expect([acked, error, requests()]).toEqual([[0], undefined, 4])
  })

  it('asks again for an answer that is cut short, and for one that is no HTTP', async () => {
    const { url, requests } = await bare((socket, request) => {
      if (request === 1) socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal')
      else if (request === 2) socket.end('SSH-2.0-OpenSSH_9.9\r\n')
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    })
    const { acked, error } = await settle(url, ['a'], { timeout: 2_000 })
    expect([acked, error, requests()]).toEqual([[0], undefined, 3])
  })

  it('takes an answer that ends with its connection', async () => {
    const { url } = await bare((socket) => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end'))
    const post = postTo(url, String, { fetch, into: (_value: string, { body }) => body, response: 'text' })
    expect(await throughOperator(['a'], post)).toMatchObject({ values: ['to the end'], acked: [0] })
  })

  it('loses nothing when idle connections are closed by the server while they are used again', async () => {
    const { url } = await bare((socket) => {
      socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      setTimeout(() => socket.end(), 1)
    })
    const { acked, error } = await settle(url, numbers(60), { concurrency: 4 })
    expect([sorted(acked), error]).toEqual([numbers(60), undefined])
  })

  it('ends the stream at a certificate that is not trusted', async () => {
    const { url, got } = await opened((response) => response.writeHead(200).end(), { tls: selfSigned })
    const { error, abandoned } = await settle(url, ['a'])
    expect(error).toMatchObject({ name: 'FatalError' })
    expect(error?.message).toMatch(/self-signed certificate.*; have the client trust the server's certificate$/)
    expect([abandoned, got]).toEqual([[0], []])
  })

  it('settles each message by its own answer', async () => {
    const statuses = [200, 400, 409, 503, 413, 302, 204]
    const { url } = await opened((response, call, { body }) => {
      const { value } = JSON.parse(body) as { value: number }
      response.writeHead(value === 503 && call > statuses.length ? 200 : value).end()
    })
    const { acked, nacked, error } = await settle(url, statuses, { successOn: [409] })
    expect([sorted(acked), error]).toEqual([[0, 2, 3, 6], undefined])
    expect([...nacked.keys()].sort()).toEqual([1, 4, 5])
    expect([...nacked.values()].map(errorClassOf)).toEqual(Array(3).fill('permanent'))
  })
})

describe('postTo over https', () => {
  const agent = (connect: object) => undiciFetch(new Agent({ connect: { ca: selfSigned.cert, ...connect } }))

  it('trusts whom its client trusts', async () => {
    const { url, got } = await opened((response) => response.writeHead(200).end(), { tls: selfSigned })
    expect(await throughOperator(['a'], postTo(url, String, { fetch: agent({}) }))).toMatchObject({ acked: [0] })
    expect(got).toHaveLength(1)
  })

  it('ends the stream at a server that is another than it should be', async () => {
    const { url, got } = await opened((response) => response.writeHead(200).end(), { tls: selfSigned })
    const { error } = await throughOperator(
      ['a'],
      postTo(url, String, { fetch: agent({ servername: 'mail.example' }) }),
    )
    expect(error).toMatchObject({ name: 'FatalError', message: expect.stringContaining('mail.example') })
    expect(got).toEqual([])
  })
})

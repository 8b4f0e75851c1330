import http from 'node:http'
import { gzipSync } from 'node:zlib'
import { fetch as crossFetch } from 'cross-fetch'
import { from, lastValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Controllers } from '../../../operators/postTo/controllers.ts'
import { type Answer, exchange, type FetchLike, type Post } from '../../../operators/postTo/exchange.ts'
import { HTTP_CLIENTS } from '../support/httpClients.ts'
import { type OwnServer, serve } from '../support/ownServer.ts'
import { until } from '../support/until.ts'

const MIB = 1_048_576
const ends: (() => unknown)[] = []
const unhandled: unknown[] = []
const keep = (error: unknown) => unhandled.push(error)

const EVENTS = ['uncaughtException', 'unhandledRejection', 'warning']

beforeEach(() => {
  for (const event of EVENTS) process.on(event, keep)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  for (const event of EVENTS) process.off(event, keep)
  expect(unhandled.splice(0)).toEqual([])
})

async function opened(answer: Parameters<typeof serve>[0]): Promise<OwnServer> {
  const server = await serve(answer)
  ends.push(server.kill)
  return server
}

const areClosed = ({ sockets }: OwnServer) => [...sockets].every(({ destroyed }) => destroyed)

/** Makes requests of one client, and keeps what comes of each. */
function asker(fetch: FetchLike) {
  const controllers = new Controllers(fetch)
  return (url: string, { maxBytes = MIB, ended = new AbortController().signal } = {}) => {
    const post: Post = { url: new URL(url), method: 'POST', headers: {}, body: '{}', fault: undefined }
    const seen = { heard: [] as (Answer | Error)[], isBegun: false, stop: () => {} }
    const watched: FetchLike = async (...args) => {
      const response = await lastValueFrom(from(fetch(...args)))
      seen.isBegun = true
      return response
    }
    const exchanges = { fetch: watched, controllers, maxBytes }
    const hear = (one: Answer | Error) => seen.heard.push(one)
    const subscription = exchange(exchanges, post, ended).subscribe({ next: hear, error: hear })
    seen.stop = () => subscription.unsubscribe()
    return seen
  }
}

/** Ways to begin an answer that does not end. */
const BEGUN: readonly (readonly [how: string, headers: Record<string, string>, piece: Buffer])[] = [
  ['in chunks', {}, Buffer.from('begun')],
  ['of a length that was said', { 'Content-Length': '10' }, Buffer.from('begun')],
  ['that is compressed', { 'Content-Encoding': 'gzip' }, gzipSync('begun').subarray(0, 12)],
]

describe.each(HTTP_CLIENTS)('a request by %s', (_name, fetch) => {
  const ask = asker(fetch)

  it('is given up before its connection is open', async () => {
    const server = await opened((response) => response.writeHead(202).end())
    const first = ask(server.url)
    first.stop()
    const second = ask(server.url)
    await until('the second is answered', () => second.heard.length === 1)
    expect([first.heard, server.got.length]).toEqual([[], 1])
  })

  it('is given up before its answer, and closes its connection', async () => {
    const server = await opened(() => {})
    const { heard, stop } = ask(server.url)
    await until('the server has it', () => server.got.length === 1)
    stop()
    await until('its connection is closed', () => areClosed(server))
    expect([heard, server.aborted()]).toEqual([[], 1])
  })

  it.each(BEGUN)('is given up within an answer %s, and closes its connection', async (_how, headers, piece) => {
    const server = await opened((response) => response.writeHead(200, headers).write(piece))
    const asked = ask(server.url)
    await until('its answer has begun', () => asked.isBegun)
    asked.stop()
    await until('its connection is closed', () => areClosed(server))
    expect([asked.heard, server.aborted()]).toEqual([[], 1])
  })

  it('is given up when enough of its answer is read', async () => {
    const server = await opened((response) => response.writeHead(200).write('more than enough'))
    const { heard } = ask(server.url, { maxBytes: 4 })
    await until('its connection is closed', () => server.sockets.size > 0 && areClosed(server))
    expect(heard).toMatchObject([{ status: 200, text: 'more', isCut: true }])
  })

  it('fails when the partition of its message is taken away before its answer', async () => {
    const server = await opened(() => {})
    const partition = new AbortController()
    const { heard } = ask(server.url, { ended: partition.signal })
    await until('the server has it', () => server.got.length === 1)
    partition.abort(new Error('the assignment has ended'))
    await until('its connection is closed', () => areClosed(server))
    expect(heard).toMatchObject([{ name: 'TransientError' }])
  })

  it.each(BEGUN)('fails when it is taken away within an answer %s', async (_how, headers, piece) => {
    const server = await opened((response) => response.writeHead(200, headers).write(piece))
    const partition = new AbortController()
    const asked = ask(server.url, { ended: partition.signal })
    await until('its answer has begun', () => asked.isBegun)
    partition.abort(new Error('the assignment has ended'))
    await until('its connection is closed', () => areClosed(server))
    expect(asked.heard).toMatchObject([{ name: 'TransientError' }])
  })

  it('leaves its connection to the next once it is answered', async () => {
    const server = await opened((response) => response.writeHead(200).end('ok'))
    for (let i = 0; i < 20; i++) {
      const { heard } = ask(server.url)
      await until('it is answered', () => heard.length === 1)
    }
    expect([server.got.length, server.aborted(), areClosed(server)]).toEqual([20, 0, false])
    expect(server.sockets.size).toBeLessThanOrEqual(2)
  })
})

describe('a request by cross-fetch that waits for a socket', () => {
  it('is given up, and the one behind it goes on', async () => {
    const ask = asker(crossFetch)
    const { globalAgent } = http
    http.globalAgent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    ends.push(() => {
      http.globalAgent.destroy()
      http.globalAgent = globalAgent
    })
    const server = await opened((response, call) => call > 1 && response.writeHead(202).end())
    const [first, second, third] = [ask(server.url), ask(server.url), ask(server.url)]
    await until('the server has the first', () => server.got.length === 1)
    second.stop()
    first.stop()
    await until('the third is answered', () => third.heard.length === 1)
    expect([first.heard, second.heard, server.got.length]).toEqual([[], [], 2])
  })
})

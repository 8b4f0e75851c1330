import { afterEach, describe, expect, it } from 'vitest'
import { type PostToOptions, postTo } from '../../../operators/postTo/postTo.ts'
import { HOSTILE } from '../../support/hostile.ts'
import { HTTP_CLIENTS } from '../support/httpClients.ts'
import { type OwnServer, serve } from '../support/ownServer.ts'
import { throughOperator } from '../support/throughOperator.ts'
import { until } from '../support/until.ts'

const MIB = 1_048_576

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function opened(answer: Parameters<typeof serve>[0]): Promise<OwnServer> {
  const server = await serve(answer)
  ends.push(server.kill)
  return server
}

describe.each(HTTP_CLIENTS)('what postTo sends by %s', (_name, fetch) => {
  const settle = <A>(url: string, values: readonly A[], options: PostToOptions<A> = {}) =>
    throughOperator(
      values,
      postTo<A>(url, (value) => ({ value }), { fetch, concurrency: 4, ...options }),
    )

  it('has each of 200 hostile strings in its body as it is', async () => {
    const { url, got } = await opened((response) => response.writeHead(202).end())
    const { acked, error } = await settle(url, HOSTILE)
    expect([acked.length, error]).toEqual([200, undefined])
    expect(got.map(({ body }) => JSON.parse(body).value).sort()).toEqual([...HOSTILE].sort())
    expect(new Set(got.map(({ method, path }) => `${method} ${path}`))).toEqual(new Set(['POST /mails']))
  })

  it('gets each of 200 hostile strings back as it is', async () => {
    const { url } = await opened((response, _call, { body }) => response.writeHead(200).end(body))
    const post = postTo(url, (value: string) => value, { fetch, concurrency: 1, into: (_value, { body }) => body })
    const { values } = await throughOperator(HOSTILE, post)
    expect(values).toEqual(HOSTILE)
  })

  it('has each of 200 hostile strings in a header as it is, or is nacked before the wire', async () => {
    const { url, got } = await opened((response) => response.writeHead(202).end())
    const { acked, nacked, error } = await settle(url, HOSTILE, { headers: (value) => ({ 'X-Data': value }) })
    expect([acked.length + nacked.size, error]).toEqual([200, undefined])
    const sent = got.map(({ headers, body }) => [headers['x-data'], JSON.parse(body).value])
    expect(sent.filter(([header, value]) => header !== value)).toEqual([])
    expect(new Set(acked.map((place) => HOSTILE[place]))).toEqual(new Set(sent.map(([header]) => header)))
    expect(acked.length).toBeGreaterThan(50)
    expect(nacked.size).toBeGreaterThan(50)
    for (const [place, nack] of nacked) {
      expect(String(nack)).toMatch(
        /^PermanentError: Expected header "X-Data" .* got U\+[0-9A-F]{4,6} at \d+; see to it/,
      )
      expect(HOSTILE[place]).toMatch(/[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/)
    }
    expect(got.flatMap(({ headers }) => Object.keys(headers)).filter((name) => name === 'x-admin')).toEqual([])
  })

  it('may be of `maxRequestBytes`, and is nacked above it', async () => {
    const { url, got } = await opened((response) => response.writeHead(202).end())
    const sizes = [MIB, MIB + 1, 3]
    const post = postTo(url, (size: number) => size, { fetch, body: (size) => 'x'.repeat(size) })
    const { acked, nacked } = await throughOperator(sizes, post)
    expect([[...acked].sort(), [...nacked.keys()]]).toEqual([[0, 2], [1]])
    expect(String(nacked.get(1))).toContain('of 1048576 bytes at most, got 1048577')
    expect(got.map(({ body }) => body.length).sort()).toEqual([MIB, 3].sort())
  })

  it('reads no more than `maxResponseBytes` of an answer, and lets go of its socket', async () => {
    let written = 0
    const { url, sockets, aborted } = await opened((response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(65_536, 'x')
      const write = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length
      }
      response.on('drain', write)
      write()
    })
    const { acked } = await settle(url, ['a', 'b'], { concurrency: 1 })
    expect(acked).toEqual([0, 1])
    await until('both answers are given up', () => aborted() === 2)
    expect([...sockets].every(({ destroyed }) => destroyed)).toBe(true)
    // Beyond what was read: what the sockets and streams in between had room for.
    expect(written).toBeLessThan(2 * 16 * MIB)
  })

  it('goes over a few connections, which are used again', async () => {
    const { url, sockets } = await opened((response) => response.writeHead(200).end('{"ok":true}'))
    const { acked } = await settle(
      url,
      Array.from({ length: 200 }, (_, i) => i),
    )
    expect(acked).toHaveLength(200)
    // An answer that is passed on has its next request sent before undici counts the connection as free.
    expect(sockets.size).toBeLessThanOrEqual(2 * 4)
  })
})

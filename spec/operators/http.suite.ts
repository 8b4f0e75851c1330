import { EMPTY, firstValueFrom, from, toArray } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpReply, type HttpRequest, res } from '../../lib/testing/index.ts'
import { type FetchLike, postTo } from '../../operators/index.ts'
import { throughOperator } from '../services/support/throughOperator.ts'

/** A server that a suite may ask, and how it is reached. */
export interface HttpHarness {
  readonly fetch: FetchLike
  readonly url: string
  /** What it was asked, in order. */
  readonly requests: readonly HttpRequest[]
  close(): void
}

/** Makes servers, each for one spec. */
export interface HttpServers {
  /** One that answers so. */
  serving(serve: (request: HttpRequest) => HttpReply): Promise<HttpHarness>
  /** One that is not there. */
  refusing(): Promise<HttpHarness>
  /** One that takes a request, and cuts the connection in the place of an answer. */
  cutting(): Promise<HttpHarness>
}

/** What an HTTP server does behind a `fetch`: the fake one, and real ones on this machine. */
export function httpSuite(name: string, servers: HttpServers): void {
  describe(name, () => {
    const open: HttpHarness[] = []
    const opened = async (server: Promise<HttpHarness>) => {
      open.push(await server)
      return open.at(-1) as HttpHarness
    }
    afterEach(() => {
      for (const server of open.splice(0)) server.close()
    })

    const post = async ({ fetch, url }: HttpHarness, body = '', headers: Record<string, string> = {}) => {
      const { signal } = new AbortController()
      return await firstValueFrom(from(fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })))
    }
    const textOf = async ({ body }: Awaited<ReturnType<typeof post>>) =>
      Buffer.concat(await firstValueFrom(from(body ?? EMPTY).pipe(toArray()))).toString()

    it.each([200, 202, 204, 301, 400, 404, 429, 500, 503])('answers with status %d', async (status) => {
      const response = await post(await opened(servers.serving(() => res(status))))
      expect(response.status).toBe(status)
      expect(await textOf(response)).toBe('')
    })

    it('gives a header by its name in any letters, and null for none', async () => {
      const server = await opened(servers.serving(() => res(429, { 'Retry-After': '3', 'X-Empty': '' })))
      const { headers } = await post(server)
      const read = ['retry-after', 'Retry-After', 'RETRY-AFTER', 'x-empty', 'x-none'].map((name) => headers.get(name))
      expect(read).toEqual(['3', '3', '3', '', null])
    })

    it.each(['ok', '{"a":"\\n"}', 'é漢字🚀', 'line\r\nbreak', ' ', 'x'.repeat(100_000)])(
      'gives a body as it is: %j',
      async (body) => {
        const response = await post(await opened(servers.serving(() => res(200, {}, body))))
        expect(await textOf(response)).toBe(body)
      },
    )

    it('is told method, headers and body', async () => {
      const server = await opened(servers.serving(() => res(200)))
      await post(server, '{"a":"é漢字🚀"}', { 'Content-Type': 'application/json', 'X-Umlaut': 'größe' })
      expect(server.requests).toHaveLength(1)
      expect(server.requests[0]).toMatchObject({
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-umlaut': 'größe' },
        body: '{"a":"é漢字🚀"}',
      })
    })

    it('answers each by what it asks', async () => {
      const server = await opened(servers.serving(({ body }) => res(body === '"b"' ? 400 : 200, {}, { got: body })))
      const answers = await Promise.all(['"a"', '"b"', '"c"'].map((body) => post(server, body)))
      expect(answers.map(({ status }) => status)).toEqual([200, 400, 200])
      expect(await Promise.all(answers.map(textOf))).toEqual([
        '{"got":"\\"a\\""}',
        '{"got":"\\"b\\""}',
        '{"got":"\\"c\\""}',
      ])
    })

    it('has an aborted request fail with an AbortError', async () => {
      const { fetch, url } = await opened(servers.serving(() => res(200)))
      const controller = new AbortController()
      const { signal } = controller
      const answer = firstValueFrom(
        from(fetch(url, { method: 'POST', headers: {}, body: '', redirect: 'manual', signal })),
      )
      controller.abort()
      await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
    })

    describe('under postTo', () => {
      const settle = ({ fetch, url }: HttpHarness, values: readonly string[]) =>
        throughOperator(
          values,
          postTo(url, (value) => value, { fetch, retry: { attempts: 1 } }),
        )

      it('has messages acked, and nacked, by its answers', async () => {
        const server = await opened(servers.serving(({ body }) => res(body === '"b"' ? 400 : 200)))
        const { acked, nacked } = await settle(server, ['a', 'b', 'c'])
        expect([[...acked].sort(), [...nacked.keys()]]).toEqual([[0, 2], [1]])
        expect(String(nacked.get(1))).toMatch(/^PermanentError: POST to .* was answered with 400/)
      })

      it('fails transiently when it is not there', async () => {
        const server = await opened(servers.refusing())
        const { nacked } = await settle(server, ['a'])
        expect(String(nacked.get(0))).toMatch(/^PermanentError: postTo gave up after 1 tries: .*ECONNREFUSED/)
        expect(server.requests).toHaveLength(0)
      })

      it('fails transiently when it cuts the connection, though it has got the request', async () => {
        const server = await opened(servers.cutting())
        const { nacked } = await settle(server, ['a'])
        expect(String(nacked.get(0))).toMatch(/^PermanentError: postTo gave up after 1 tries: /)
        expect(server.requests.map(({ body }) => body)).toEqual(['"a"'])
      })

      it('ends the stream when it wants other credentials', async () => {
        const { error, abandoned } = await settle(await opened(servers.serving(() => res(401))), ['a'])
        expect([error?.name, abandoned]).toEqual(['FatalError', [0]])
      })
    })
  })
}

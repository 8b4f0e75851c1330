import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetch as crossFetch } from 'cross-fetch'
import type { HttpRequest } from '../../../lib/testing/index.ts'
import type { FetchLike } from '../../../operators/index.ts'
import { type HttpHarness, type HttpServers, httpSuite } from '../../operators/http.suite.ts'

const serversFor = (fetch: FetchLike): HttpServers => ({
  serving: (serve) =>
    listening(fetch, (request, response) => {
      const { status, headers, body } = serve(request)
      response.writeHead(status, headers).end(body)
    }),
  refusing: async () => {
    const server = await listening(fetch, () => {})
    server.close()
    return server
  },
  cutting: () => listening(fetch, (_request, response) => response.socket?.destroy()),
})

/** A server on this machine that keeps what it gets. */
async function listening(
  fetch: FetchLike,
  answer: (request: HttpRequest, response: ServerResponse) => void,
): Promise<HttpHarness> {
  const requests: HttpRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk) => chunks.push(chunk))
    incoming.on('end', () => {
      const { url = '', method = '' } = incoming
      const headers = incoming.headers as Record<string, string>
      const request = { url, method, headers, body: Buffer.concat(chunks).toString() }
      requests.push(request)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { fetch, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mails`, requests, close }
}

httpSuite('an HTTP server behind cross-fetch', serversFor(crossFetch))
httpSuite('an HTTP server behind Node’s own fetch', serversFor(fetch))

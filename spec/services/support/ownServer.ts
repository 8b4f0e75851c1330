import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A request that an {@link OwnServer} got whole. */
export interface Got {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** When it was there, in ms. */
  readonly at: number
}

/** A server on this machine that keeps what it gets. */
export interface OwnServer {
  readonly url: string
  readonly got: readonly Got[]
  /** Every connection there was. */
  readonly sockets: ReadonlySet<Socket>
  /** How many answers were given up by whoever asked. */
  aborted(): number
  /** Ends it, and cuts its connections. */
  kill(): Promise<void>
}

export interface ServeOptions {
  /** Where it listens. @default any free port */
  readonly port?: number
  /** Makes it an https: server. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Starts a server that answers in its own way; `call` counts from 1. */
export async function serve(
  answer: (response: ServerResponse, call: number, got: Got) => void,
  { port = 0, tls }: ServeOptions = {},
): Promise<OwnServer> {
  const got: Got[] = []
  const sockets = new Set<Socket>()
  let aborted = 0
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url: path, headers } = request
      const one = { method, path, headers, body: Buffer.concat(chunks).toString(), at: Date.now() }
      answer(response, got.push(one), one)
    })
    response.on('close', () => {
      if (!response.writableFinished) aborted++
    })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await listening(server, port)
  const kill = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url: urlOf(server, tls === undefined ? 'http' : 'https'), got, sockets, aborted: () => aborted, kill }
}

/** Has a server listen on this machine alone. */
export function listening(server: Server, port = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
}

/** Where a server can be reached. */
export function urlOf(server: Server, scheme = 'http'): string {
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/mails`
}

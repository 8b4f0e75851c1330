import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Mail } from './servers.ts'
import type { Undo } from './undo.ts'

/** A mail service that keeps what it is asked to send. */
export interface MailServer {
  readonly url: string
  readonly mails: readonly Mail[]
}

/** Starts a mail service on a free port of this machine. */
export async function startMailServer(undo: Undo): Promise<MailServer> {
  const mails: Mail[] = []
  const server = createServer((request, response) => void receive(request, response, mails))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.add('stop the mail service', () => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`, mails }
}

async function receive(request: IncomingMessage, response: ServerResponse, mails: Mail[]): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  mails.push(JSON.parse(body))
  response.writeHead(202).end()
}

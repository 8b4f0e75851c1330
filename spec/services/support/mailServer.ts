import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that the mail server got whole. */
export interface Mail {
  readonly idempotencyKey: string
  readonly body: string
}

/** A mail service on this machine, which keeps what it gets. */
export interface MailServer {
  readonly url: string
  readonly mails: readonly Mail[]
  close(): Promise<void>
}

/**
 * Starts a mail server.
 *
 * @param latency ms before it answers
 * @param statusOf what it answers; 202 by default
 */
export async function mailServer(latency = 0, statusOf: (mail: Mail) => number = () => 202): Promise<MailServer> {
  const mails: Mail[] = []
  const server = createServer((request, response) => {
    void mailOf(request).then((mail) => {
      if (mail === undefined) return
      mails.push(mail)
      answerAfter(latency, response, statusOf(mail))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { url: `http://127.0.0.1:${port}/mails`, mails, close }
}

/** Undefined when the sender was killed in the middle of it. */
async function mailOf(request: IncomingMessage): Promise<Mail | undefined> {
  try {
    const chunks: Buffer[] = await request.toArray()
    return { idempotencyKey: String(request.headers['idempotency-key']), body: Buffer.concat(chunks).toString() }
  } catch {
    return undefined
  }
}

function answerAfter(ms: number, response: ServerResponse, status: number): void {
  const answer = () => response.writeHead(status).end()
  if (ms === 0) answer()
  else setTimeout(answer, ms)
}

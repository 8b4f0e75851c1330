import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Stage } from './stages.ts'

/** A mail service in the process of the benchmark, which accepts and counts. */
export async function postStage(): Promise<Stage> {
  let posts = 0
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      posts++
      response.writeHead(202).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    place: { postUrl: `http://127.0.0.1:${port}/mails` },
    expectDone: async (messages) => {
      const got = posts
      posts = 0
      if (got !== messages) throw new Error(`Expected ${messages} posts, got ${got}`)
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

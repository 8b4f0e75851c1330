import { connect } from 'node:net'

/** A server that does not answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/**
 * Looks whether servers listen.
 *
 * @param servers their names and URLs
 * @throws Unreachable that says which do not, and how to start them
 */
export async function expectReachable(servers: Readonly<Record<string, string>>): Promise<void> {
  const looks = Object.entries(servers).map(async ([name, url]) => ((await listens(url)) ? [] : [`${name} at ${url}`]))
  const silent = (await Promise.all(looks)).flat()
  if (silent.length === 0) return
  throw new Unreachable(`Cannot reach ${silent.join(', ')}: start the servers by npm run services -- up`)
}

function listens(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url)
  const standard = protocol === 'https:' ? 443 : 80
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || standard), timeout: 3000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

import { connect } from 'node:net'
import type { ConnectionSettings } from '../../services/defaults.ts'

/** A server that does not answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/**
 * Looks whether the servers of the settings listen.
 *
 * @throws Unreachable that says which do not, and how to start them
 */
export async function expectReachable(settings: ConnectionSettings): Promise<void> {
  const looks = addresses(settings).map(async ([name, url]) => ((await listens(url)) ? [] : [`${name} at ${url}`]))
  const silent = (await Promise.all(looks)).flat()
  if (silent.length === 0) return
  throw new Unreachable(`Cannot reach ${silent.join(', ')}: start the servers by npm run services -- up`)
}

function addresses({ kafkaBrokers, redisUrl, influxUrl, esUrl }: ConnectionSettings): [name: string, url: string][] {
  const brokers = kafkaBrokers.map((broker): [string, string] => ['Kafka', `kafka://${broker}`])
  return [...brokers, ['Redis', redisUrl], ['InfluxDB', influxUrl], ['Elasticsearch', esUrl]]
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

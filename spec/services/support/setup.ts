import { connect } from 'node:net'
import { connectionSettings } from '../../../services/defaults.ts'

/** Fails at once, and in words, where the servers are not up. */
export async function setup(): Promise<void> {
  const { kafkaBrokers, redisUrl, influxUrl, esUrl } = connectionSettings()
  const addresses = [...kafkaBrokers.map((broker) => `kafka://${broker}`), redisUrl, influxUrl, esUrl]
  const silent: string[] = []
  await Promise.all(addresses.map(async (address) => (await answers(address)) || silent.push(address)))
  if (silent.length > 0) {
    throw new Error(
      `Cannot test against ${silent.join(', ')}: nothing answers there; start them by npm run services -- up`,
    )
  }
}

function answers(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 3000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

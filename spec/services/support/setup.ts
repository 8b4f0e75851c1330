import { connect } from 'node:net'
import { connectionSettings } from '../../../services/defaults.ts'
import { kafkaClient } from './kafka.ts'
import { until } from './until.ts'

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
  await groupsAreServed()
}

/** A Kafka that was never asked for a group makes the topic of their offsets first, and refuses questions meanwhile. */
async function groupsAreServed(): Promise<void> {
  const admin = kafkaClient().admin()
  await admin.connect()
  const isServed = () =>
    admin.fetchOffsets({ groupId: 'setup' }).then(
      () => true,
      () => false,
    )
  try {
    await until('Kafka serves groups', isServed, 60_000)
  } finally {
    await admin.disconnect()
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

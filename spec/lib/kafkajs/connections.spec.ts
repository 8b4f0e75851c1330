import { Duplex } from 'node:stream'
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { Connections } from '../../../lib/kafkajs/connections.ts'

/** KafkaJS's own connections to a broker, as a consumer has them, which count the sockets they open. */
function connections() {
  const sockets: { readonly connected: () => void; readonly socket: FakeSocket }[] = []
  const socketFactory = ({ onConnect }: { onConnect: () => void }) => {
    const socket = new FakeSocket()
    sockets.push({ connected: onConnect, socket })
    return socket as never
  }
  const kafka = new Kafka({ brokers: ['far:9092'], logLevel: logLevel.NOTHING, socketFactory })
  let found: Cluster | undefined
  const shared = new Connections()
  const partitionAssigners = [
    ({ cluster }: { cluster: unknown }) => {
      found = cluster as Cluster
      shared.share(found)
      return {} as never
    },
  ]
  kafka.consumer({ groupId: 'g', partitionAssigners })
  return { sockets, shared, pool: () => (found as Cluster).connectionPoolBuilder.build() }
}

interface Cluster {
  connectionPoolBuilder: { build(): Promise<Pool> }
}

interface Pool {
  readonly pool: readonly { connect(): Promise<unknown>; disconnect(): Promise<unknown> }[]
  getConnection(): Promise<unknown>
  destroy(): Promise<void>
}

class FakeSocket extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done()
  }
  setKeepAlive(): void {}
  unref(): void {}
}

it('opens one socket for two requests that find a connection closed', async () => {
  const { sockets, pool } = connections()
  const { getConnection, destroy } = bound(await pool())
  const both = Promise.all([getConnection(), getConnection()])
  expect(sockets).toHaveLength(1)
  sockets[0]?.connected()
  const [first, second] = await both
  expect(first).toBe(second)
  await destroy()
})

it('opens another once the one before is closed or has failed', async () => {
  const { sockets, pool } = connections()
  const { getConnection, destroy } = bound(await pool())
  const failed = Promise.allSettled([getConnection(), getConnection()])
  sockets[0]?.socket.destroy(new Error('refused'))
  expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const again = getConnection()
  expect(sockets).toHaveLength(2)
  sockets[1]?.connected()
  await again
  await destroy()
})

it('opens none after its end, and closes what is open or about to be', async () => {
  const { sockets, shared, pool } = connections()
  const [open, late, next] = [bound(await pool()), bound(await pool()), bound(await pool())]
  const opened = open.getConnection()
  sockets[0]?.connected()
  await opened
  const connecting = late.getConnection()
  shared.end()
  sockets[1]?.connected()
  await connecting
  await expect(next.getConnection()).rejects.toThrow('The consumer is closed')
  await expect(open.getConnection()).rejects.toThrow('The consumer is closed')
  expect(sockets.map(({ socket }) => socket.writableEnded)).toEqual([true, true])
})

function bound(pool: Pool) {
  return { getConnection: () => pool.getConnection(), destroy: () => pool.destroy() }
}

import { createConnection, type Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'

/** A network between a client and its broker that can be cut. */
export class Network {
  private readonly sockets = new Set<Socket>()
  private isCut = false

  /** KafkaJS's `socketFactory`. */
  readonly socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    // Port 1 refuses, as a broker does that is down.
    const socket = createConnection({ host, port: this.isCut ? 1 : port }, onConnect)
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    return socket
  }

  /** Connections that are open now. */
  get open(): number {
    return this.sockets.size
  }

  cut(): void {
    this.isCut = true
    for (const socket of this.sockets)
      socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }

  mend(): void {
    this.isCut = false
  }
}

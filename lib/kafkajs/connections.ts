/** A cluster as KafkaJS has it at run time. */
export interface ConnectingCluster {
  connectionPoolBuilder?: { build(...destination: unknown[]): Promise<ConnectionPool> }
}

interface ConnectionPool {
  readonly pool: readonly Connection[]
}

interface Connection {
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
}

/**
 * The connections of one KafkaJS consumer, each opened once at a time and none after its end.
 *
 * KafkaJS opens a socket for each request that finds a connection closed, and forgets all but the last. And what it
 * still tries when it was disconnected (a heartbeat, a commit) connects anew. Both leave sockets that nobody closes: a
 * process that has left its group would not end until the broker cuts them, ten minutes later.
 */
export class Connections {
  private readonly all: Connection[] = []
  private isOver = false

  share(cluster: ConnectingCluster): void {
    const builder = cluster.connectionPoolBuilder
    if (builder === undefined) return
    const build = builder.build.bind(builder)
    builder.build = async (...destination) => {
      const made = await build(...destination)
      for (const connection of made.pool) this.add(connection)
      return made
    }
  }

  /** Closes what was opened again behind the back of a disconnect, and lets nothing open any more. */
  end(): void {
    this.isOver = true
    for (const connection of this.all) connection.disconnect().catch(() => {})
  }

  private add(connection: Connection): void {
    this.all.push(connection)
    const connect = connection.connect.bind(connection)
    let underWay: Promise<unknown> | undefined
    connection.connect = () => {
      if (this.isOver) return Promise.reject(Object.assign(new Error('The consumer is closed'), { retriable: false }))
      underWay ??= connect().finally(() => {
        underWay = undefined
        if (this.isOver) connection.disconnect().catch(() => {})
      })
      return underWay
    }
  }
}

/** A cluster as KafkaJS has it at run time. */
export interface ConnectingCluster {
  connectionPoolBuilder?: { build(...destination: unknown[]): Promise<ConnectionPool> }
}

interface ConnectionPool {
  readonly pool: readonly { connect(): Promise<unknown> }[]
}

/**
 * Lets all who find a connection closed wait for the same socket. KafkaJS opens one for each, forgets all but the last,
 * and never closes the others: after an outage a process that has left its group would not end until the broker cuts
 * them, ten minutes later.
 */
export function shareConnects(cluster: ConnectingCluster): void {
  const builder = cluster.connectionPoolBuilder
  if (builder === undefined) return
  const build = builder.build.bind(builder)
  builder.build = async (...destination) => {
    const made = await build(...destination)
    made.pool.forEach(share)
    return made
  }
}

function share(connection: { connect(): Promise<unknown> }): void {
  const connect = connection.connect.bind(connection)
  let underWay: Promise<unknown> | undefined
  connection.connect = () => {
    underWay ??= connect().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}

import type { ServerName } from './defaults.ts'
import { elasticsearch } from './elasticsearch.ts'
import { influxdb } from './influxdb.ts'
import { kafka } from './kafka.ts'
import { redis } from './redis.ts'
import type { Server } from './server.ts'

/**
 * The four servers, each with `start`, `stop`, `kill`, `isUp` for a run:
 *
 *     const run = openRun({ name: 'crash', portBase: 21_000 })
 *     await servers.redis.start(run, { appendonly: 'yes' })
 *     await servers.redis.kill(run)
 */
export const servers: Readonly<Record<ServerName, Server>> = { kafka, redis, influxdb, elasticsearch }

export { openRun } from './run.ts'

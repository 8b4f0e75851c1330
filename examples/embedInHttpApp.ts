import { createServer } from 'node:http'
import { type Broker, type Running, run } from 'rxjs-kafka-toolkit'
import type { RedisLike } from 'rxjs-kafka-toolkit/operators'
import type { PipelineOptions } from './PipelineOptions.ts'
import { saveActivities } from './saveActivities.ts'

/** An HTTP app with clients, a server and signal handling of its own, of which a pipeline is one part. */
export function embedInHttpApp(kafka: Broker, redis: RedisLike, options: PipelineOptions = {}) {
  // The app decides what a signal does, so the run leaves signals alone.
  const running = run(kafka, saveActivities(kafka, redis, options), { signals: false })
  // A pipeline that failed does not end the app: /health says so, and whoever watches it starts the app anew.
  running.closed.catch((error) => console.error(`${error}`))

  const server = createServer((request, response) => {
    const { isWell, sources } = healthOf(running)
    if (request.url !== '/health') response.end('Here is the rest of the app')
    else response.writeHead(isWell ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(sources))
  })
  const stop = async () => {
    process.removeListener('SIGTERM', stop)
    server.close()
    await running.drain().catch(() => {})
  }
  process.once('SIGTERM', stop)
  return { server, stop }
}

function healthOf(running: Running) {
  const sources = running.health().map(({ groupId, state, partitions, trouble }) => ({
    groupId,
    state,
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    trouble: trouble?.message ?? null,
  }))
  return { isWell: sources.every(({ state, trouble }) => state !== 'closed' && trouble === null), sources }
}

import { parseArgs } from 'node:util'
import type { ServerName } from './defaults.ts'
import type { Server, Settings } from './server.ts'
import { servers } from './servers.ts'

export const help = `npm run services -- <command> [server ...] [options]

Starts Kafka, Redis, InfluxDB and Elasticsearch on this machine, without Docker. The first \`up\` fetches or builds them.

commands
  up       installs what is missing, starts what is down, waits until it answers
  down     ends them in good order; their data stays
  status   a row a server; exits with 1 when one is down
  env      the variables that lead to the servers of the run: export $(npm run -s services -- env)

servers    kafka redis influxdb elasticsearch; all four when none is named

options
  --name NAME       the run: its own data, logs and ports beside other runs (default dev)
  --port-base N     added to the servers' well-known ports 9092 6379 8086 9200; the default 10000 gives 19092 16379 18086 19200,
                    --port-base 20000 gives 29092 26379 28086 29200. N + 9093 and N + 9300 must be free too. Up to 23000 all are below the
                    range from which Linux takes the ports of outgoing connections. A run remembers its base; a new one needs it
  --fresh           with up: without the data of the last time
  --set S.KEY=VALUE with up: a setting in the server's own words, such as --set redis.appendonly=yes (repeatable)

Everything lies in ~/.cache/rxjs-kafka-toolkit, or in the folder that RKT_CACHE names.
`

export interface UpOptions {
  readonly fresh: boolean
  readonly set: readonly string[]
}

export interface Arguments {
  readonly values: UpOptions & { readonly name?: string; readonly 'port-base'?: string; readonly help: boolean }
  readonly positionals: readonly string[]
}

export function readArguments(): Arguments {
  return parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      'port-base': { type: 'string' },
      fresh: { type: 'boolean', default: false },
      set: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

/** Reads what follows --set, by server. */
export function readSettings(texts: readonly string[]): Partial<Record<ServerName, Settings>> {
  const settings: Partial<Record<ServerName, Settings>> = {}
  for (const text of texts) {
    const [, server, key, value] = /^(\w+)\.([^=]+)=(.*)$/.exec(text) ?? []
    if (server === undefined || key === undefined || value === undefined)
      throw new Error(`Expected --set server.key=value, got \`${text}\``)
    const { name } = serverNamed(server)
    settings[name] = { ...settings[name], [key]: value }
  }
  return settings
}

export function serverNamed(name: string): Server {
  const server = Object.values(servers).find((candidate) => candidate.name === name)
  if (server === undefined) throw new Error(`Expected one of ${Object.keys(servers).join(', ')}, got \`${name}\``)
  return server
}

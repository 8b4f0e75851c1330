import { join } from 'node:path'
import { installFolder, installOnce } from './cache.ts'
import { requireTool } from './command.ts'
import { influxLogin } from './defaults.ts'
import { buildInfluxdb } from './influxdb/build.ts'
import { readJson } from './probe.ts'
import { portOf, type Run } from './run.ts'
import { makeServer, type Server } from './server.ts'

const version = '2.7.12'

/** InfluxDB without its web interface, built on this machine. Settings: flags of influxd. */
export const influxdb: Server = makeServer({
  name: 'influxdb',
  install,

  prepare(run, data, settings) {
    const flags = {
      'http-bind-address': `127.0.0.1:${portOf(run, 'influxdb')}`,
      'bolt-path': join(data, 'influxd.bolt'),
      'sqlite-path': join(data, 'influxd.sqlite'),
      'engine-path': join(data, 'engine'),
      'log-level': 'warn',
      ...settings,
    }
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
    return Promise.resolve({
      command: join(installFolder('influxdb', version), 'influxd'),
      args: ['--reporting-disabled', ...args],
    })
  },

  isReady: async (run) => (await health(run))?.status === 'pass',
  setUp,
  url,
  version: async (run) => (await health(run))?.version.replace(/^v/, '') ?? version,
})

function url(run: Run): string {
  return `http://127.0.0.1:${portOf(run, 'influxdb')}`
}

async function health(run: Run): Promise<{ status: string; version: string } | undefined> {
  return (await readJson(`${url(run)}/health`)) as { status: string; version: string } | undefined
}

/** A new server lets one caller, without a password, create its first user, organization, bucket and token. */
async function setUp(run: Run): Promise<void> {
  const state = (await readJson(`${url(run)}/api/v2/setup`)) as { allowed: boolean } | undefined
  if (state?.allowed !== true) return
  const response = await fetch(`${url(run)}/api/v2/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // A retention of 0 keeps points for ever.
    body: JSON.stringify({ ...influxLogin, retentionPeriodSeconds: 0 }),
  })
  if (!response.ok) throw new Error(`InfluxDB refuses its set-up with ${response.status}: ${await response.text()}`)
}

async function install(run: Run): Promise<void> {
  const folder = installFolder('influxdb', version)
  await installOnce(
    folder,
    (line) => run.say('influxdb', line),
    async (draft) => {
      requireTool('go', 'to build InfluxDB', 'install Go 1.23.9 or newer')
      requireTool('cargo', 'to build the Rust part of InfluxDB', 'install Rust (stable)')
      requireTool('gcc', 'to link InfluxDB', 'install a C compiler (apt-get install gcc)')
      requireTool('pkg-config', 'to build InfluxDB', 'install it (apt-get install pkg-config)')
      await buildInfluxdb(run, version, `${folder}.build`, draft)
    },
  )
}

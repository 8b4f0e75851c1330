import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installFolder, installOnce } from './cache.ts'
import { readCommand, requireTool, runCommand } from './command.ts'
import { influxLogin } from './defaults.ts'
import { readJson } from './probe.ts'
import { portOf, type Run, stage } from './run.ts'
import { makeServer, type Server } from './server.ts'

const version = '2.7.12'

/**
 * InfluxDB publishes no binary on a package registry, so it is built once from its sources, all of which are: the server as a Go module, the
 * query language's Rust part inside the Go module flux. Without the web interface, which nothing here uses. Settings: flags of influxd.
 */
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
      await build(run, `${folder}.build`, draft)
    },
  )
}

/** The build's own caches (almost 3 GB) lie in `work`, which is deleted once the binary is in `target`. A build that was interrupted goes on from them. */
async function build(run: Run, work: string, target: string): Promise<void> {
  const log = join(work, 'build.log')
  const env = {
    GOMODCACHE: join(work, 'go-modules'),
    GOCACHE: join(work, 'go-build'),
    GOTOOLCHAIN: 'local',
    // Modules are read-only unless asked otherwise, and then can be neither copied nor deleted simply.
    GOFLAGS: '-buildvcs=false -modcacherw',
    CARGO_TARGET_DIR: join(work, 'rust'),
    PKG_CONFIG_PATH: join(work, 'pkg-config'),
  }
  await mkdir(env.PKG_CONFIG_PATH, { recursive: true })
  await stage(
    run,
    'influxdb',
    `building InfluxDB ${version}, once on this machine (4 to 10 minutes; needs 3 GB of disk meanwhile)`,
    async () => {
      const { sources, flux } = await stage(run, 'influxdb', '  fetching the sources (a few seconds)', () =>
        fetchSources(work, env),
      )
      const library = await stage(run, 'influxdb', '  compiling libflux, Rust (1 to 4 minutes)', () =>
        buildFlux(flux, env, log),
      )
      await writeFile(join(env.PKG_CONFIG_PATH, 'flux.pc'), fluxPackage(flux, library))
      const binary = join(work, 'influxd')
      // Not from the module cache itself: the module replaces one of its dependencies, which Go honours only in a main module.
      await stage(run, 'influxdb', '  compiling influxd, Go (3 to 6 minutes)', () =>
        runCommand(
          'go',
          [
            'build',
            '-tags',
            'sqlite_foreign_keys,sqlite_json',
            '-ldflags',
            `-s -w -X main.version=v${version} -X main.commit=module`,
            '-o',
            binary,
            './cmd/influxd',
          ],
          { cwd: sources, env, log },
        ),
      )
      await copyFile(binary, join(target, 'influxd'))
      await rm(work, { recursive: true, force: true })
    },
  )
}

interface Environment {
  readonly [name: string]: string
  readonly CARGO_TARGET_DIR: string
}

interface Flux {
  readonly folder: string
  readonly version: string
}

/** Fetches two modules: the server, and the flux that its go.mod names. Go checks both against its checksum database. */
async function fetchSources(work: string, env: Environment): Promise<{ sources: string; flux: Flux }> {
  const server = await fetchModule('github.com/influxdata/influxdb/v2', `v${version}`, env)
  const fluxVersion = /influxdata\/flux (v\S+)/.exec(await readFile(join(server, 'go.mod'), 'utf8'))?.[1]
  if (fluxVersion === undefined) throw new Error(`InfluxDB ${version} names no version of flux in its go.mod`)
  const sources = join(work, 'sources')
  await cp(server, sources, { recursive: true })
  await makeWritable(sources)
  return {
    sources,
    flux: { folder: await fetchModule('github.com/influxdata/flux', fluxVersion, env), version: fluxVersion.slice(1) },
  }
}

async function fetchModule(path: string, moduleVersion: string, env: Environment): Promise<string> {
  const { Dir: folder } = JSON.parse(
    await readCommand('go', ['mod', 'download', '-json', `${path}@${moduleVersion}`], env),
  ) as { Dir: string }
  return folder
}

/** The files of a module stay read-only even with -modcacherw, and go build may want to write go.sum. */
async function makeWritable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry)
    await chmod(path, (await stat(path)).mode | 0o200)
  }
}

async function buildFlux({ folder }: Flux, env: Environment, log: string): Promise<string> {
  const { RUSTUP_TOOLCHAIN = 'stable' } = process.env
  await runCommand('cargo', ['rustc', '--release', '--locked', '-p', 'flux', '--crate-type', 'staticlib'], {
    cwd: join(folder, 'libflux'),
    // The sources pin an old toolchain and deny all warnings; any newer one builds them, with warnings.
    env: { ...env, RUSTUP_TOOLCHAIN, RUSTFLAGS: '--cap-lints warn' },
    log,
  })
  return join(env.CARGO_TARGET_DIR, 'release', 'libflux.a')
}

/** What pkg-config tells the Go build of the library. */
function fluxPackage({ folder, version: fluxVersion }: Flux, library: string): string {
  return `Name: Flux\nVersion: ${fluxVersion}\nDescription: libflux\nLibs: ${library} -ldl -lm\nCflags: -I${join(folder, 'libflux', 'include')}\n`
}

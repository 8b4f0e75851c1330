import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCommand, runCommand } from '../command.ts'
import { type Run, stage } from '../run.ts'

/**
 * InfluxDB publishes no binary on a package registry, so it is built once from its sources, all of which are: the server as a Go module, the
 * query language's Rust part inside the Go module flux.
 *
 * The build's own caches (almost 3 GB) lie in `work`, which is deleted once the binary is in `target`. A build that was interrupted goes on
 * from them.
 */
export async function buildInfluxdb(run: Run, version: string, work: string, target: string): Promise<void> {
  const env = {
    GOMODCACHE: join(work, 'go-modules'),
    GOCACHE: join(work, 'go-build'),
    GOTOOLCHAIN: 'local',
    // Modules are read-only unless asked otherwise, and then can be neither copied nor deleted simply.
    GOFLAGS: '-buildvcs=false -modcacherw',
    CARGO_TARGET_DIR: join(work, 'rust'),
    PKG_CONFIG_PATH: join(work, 'pkg-config'),
  }
  const part = <T>(what: string, doIt: () => Promise<T>): Promise<T> => stage(run, 'influxdb', `  ${what}`, doIt)
  const whole = `building InfluxDB ${version}, once on this machine (4 to 10 minutes; needs 3 GB of disk meanwhile)`
  await stage(run, 'influxdb', whole, async () => {
    await mkdir(env.PKG_CONFIG_PATH, { recursive: true })
    const { sources, flux } = await part('fetching the sources (a few seconds)', () => fetchSources(version, work, env))
    await part('compiling libflux, Rust (1 to 4 minutes)', () => compileFlux(flux, work, env))
    await part('compiling influxd, Go (3 to 6 minutes)', () => compileServer(version, sources, work, env))
    await copyFile(join(work, 'influxd'), join(target, 'influxd'))
    await rm(work, { recursive: true, force: true })
  })
}

interface Environment {
  readonly [name: string]: string
  readonly CARGO_TARGET_DIR: string
  readonly PKG_CONFIG_PATH: string
}

interface Flux {
  readonly folder: string
  readonly version: string
}

/** Fetches two modules: the server, and the flux that its go.mod names. Go checks both against its checksum database. */
async function fetchSources(version: string, work: string, env: Environment): Promise<{ sources: string; flux: Flux }> {
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

async function compileFlux(flux: Flux, work: string, env: Environment): Promise<void> {
  const { RUSTUP_TOOLCHAIN = 'stable' } = process.env
  await runCommand('cargo', ['rustc', '--release', '--locked', '-p', 'flux', '--crate-type', 'staticlib'], {
    cwd: join(flux.folder, 'libflux'),
    // The sources pin an old toolchain and deny all warnings; any newer one builds them, with warnings.
    env: { ...env, RUSTUP_TOOLCHAIN, RUSTFLAGS: '--cap-lints warn' },
    log: join(work, 'flux.log'),
  })
  const library = join(env.CARGO_TARGET_DIR, 'release', 'libflux.a')
  await writeFile(join(env.PKG_CONFIG_PATH, 'flux.pc'), fluxPackage(flux, library))
}

/** What pkg-config tells the Go build of the library. */
function fluxPackage({ folder, version }: Flux, library: string): string {
  return `Name: Flux
Version: ${version}
Description: libflux
Libs: ${library} -ldl -lm
Cflags: -I${join(folder, 'libflux', 'include')}
`
}

/** Compiled in a copy of the sources: the module replaces one of its dependencies, which Go honours only in a main module. */
async function compileServer(version: string, sources: string, work: string, env: Environment): Promise<void> {
  const flags = `-s -w -X main.version=v${version} -X main.commit=module`
  const tags = 'sqlite_foreign_keys,sqlite_json'
  const binary = join(work, 'influxd')
  await runCommand('go', ['build', '-tags', tags, '-ldflags', flags, '-o', binary, './cmd/influxd'], {
    cwd: sources,
    env,
    log: join(work, 'influxd.log'),
  })
}

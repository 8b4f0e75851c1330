import { join } from 'node:path'
import { installFolder } from './cache.ts'
import { chooseRelease, installElasticsearch, type Release } from './elasticsearch/install.ts'
import { classArchiveFlags, type Jdk, keepClassArchive } from './java.ts'
import { readJson } from './probe.ts'
import { portOf, type Run, serverFolder } from './run.ts'
import { makeServer, type Server } from './server.ts'

/**
 * A real node, started from the jars that Elastic publishes, with the core's own features: no x-pack (so no security), no ingest, no scripts,
 * no language analyzers.
 */
export const elasticsearch: Server = makeServer({
  name: 'elasticsearch',
  install: installElasticsearch,

  prepare(run, data, settings) {
    const { release, jdk } = chooseRelease()
    const folder = serverFolder(run, 'elasticsearch')
    const home = installFolder('elasticsearch', release.version)
    const port = portOf(run, 'elasticsearch')
    const all = {
      'path.home': home,
      'path.data': data,
      'path.logs': join(folder, 'logs'),
      'cluster.name': run.name,
      'discovery.type': 'single-node',
      'http.host': '127.0.0.1',
      'http.port': String(port),
      'transport.host': '127.0.0.1',
      'transport.port': String(port + 100),
      // Else a disk that is nearly full makes every index read-only.
      'cluster.routing.allocation.disk.threshold_enabled': 'false',
      ...settings,
    }
    return Promise.resolve({
      command: join(jdk.home, 'bin', 'java'),
      args: [
        '-Xms512m',
        '-Xmx512m',
        '-XX:+ExitOnOutOfMemoryError',
        '-Dlog4j2.disable.jmx=true',
        `-Des.path.home=${home}`,
        '--add-modules=jdk.incubator.vector',
        ...(jdk.major >= 21 ? ['--enable-native-access=ALL-UNNAMED'] : []),
        ...classArchiveFlags(archive(release, jdk), folder),
        '-cp',
        join(home, 'lib', '*'),
        'EsNode',
        ...Object.entries(all).map(([key, value]) => `${key}=${value}`),
      ],
    })
  },

  isReady: async (run) => (await info(run)) !== undefined,

  async afterStop(run) {
    const { release, jdk } = chooseRelease()
    await keepClassArchive(archive(release, jdk), serverFolder(run, 'elasticsearch'))
  },

  url,
  version: async (run) => (await info(run))?.version.number ?? chooseRelease().release.version,
})

function url(run: Run): string {
  return `http://127.0.0.1:${portOf(run, 'elasticsearch')}`
}

async function info(run: Run): Promise<{ version: { number: string } } | undefined> {
  return (await readJson(`${url(run)}/`)) as { version: { number: string } } | undefined
}

function archive({ version }: Release, jdk: Jdk): string {
  return join(installFolder('elasticsearch', version), `classes-${jdk.version}.jsa`)
}

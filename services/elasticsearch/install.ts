import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installFolder, installOnce } from '../cache.ts'
import { runCommand } from '../command.ts'
import { findJdk, type Jdk } from '../java.ts'
import { fetchJars } from '../maven.ts'
import { type Run, stage } from '../run.ts'

/** Elasticsearch 9 needs Java 21; a machine that has only 17 gets the last 8. */
export interface Release {
  readonly version: string
  readonly major: 8 | 9
  readonly java: number
}
const releases: readonly Release[] = [
  { version: '9.5.3', major: 9, java: 21 },
  { version: '8.19.21', major: 8, java: 17 },
]

/** The newest release for which the machine has a JDK (a compiler too, for our own three classes). */
export function chooseRelease(): { release: Release; jdk: Jdk } {
  for (const release of releases) {
    const jdk = findJdk(release.java, { compiler: true })
    if (jdk !== undefined) return { release, jdk }
  }
  throw new Error(
    'A JDK, 21 or newer, is missing; it is needed to run Elasticsearch: install one (17 will do for Elasticsearch 8) or set JAVA_HOME',
  )
}

/** Makes, of published jars and three classes of our own, what the vendor's archive would hold of use to a test. */
export async function installElasticsearch(run: Run): Promise<void> {
  const { release, jdk } = chooseRelease()
  const say = (line: string): void => run.say('elasticsearch', line)
  if (release.major === 8)
    say(`no JDK 21 or newer here: taking Elasticsearch ${release.version}, which runs on ${jdk.major}`)
  await installOnce(installFolder('elasticsearch', release.version), say, (draft) =>
    stage(
      run,
      'elasticsearch',
      `fetching Elasticsearch ${release.version} by Maven (30 s to two minutes)`,
      async () => {
        const { version } = release
        await fetchJars(
          [`org.elasticsearch:elasticsearch:${version}`, `org.elasticsearch.plugin:transport-netty4:${version}`],
          draft,
          say,
        )
        await writeConfiguration(draft)
        await makeTransportModule(draft, jdk)
        await compile(draft, jdk, ['EsNode.java'], join('lib', 'es-node.jar'))
        await makeRootModule(draft, jdk, release)
      },
    ),
  )
}

async function writeConfiguration(home: string): Promise<void> {
  await mkdir(join(home, 'config'), { recursive: true })
  await mkdir(join(home, 'plugins'), { recursive: true })
  await writeFile(
    join(home, 'config', 'log4j2.properties'),
    `appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
`,
  )
}

/** The HTTP transport is a module: a folder with its jars and a descriptor, which it carries inside its own jar. */
async function makeTransportModule(home: string, jdk: Jdk): Promise<void> {
  const module = join(home, 'modules', 'transport-netty4')
  await mkdir(module, { recursive: true })
  const jars = (await readdir(join(home, 'lib'))).filter((jar) => /^(netty|transport-netty4)-/.test(jar))
  for (const jar of jars) await rename(join(home, 'lib', jar), join(module, jar))
  const own = jars.find((jar) => jar.startsWith('transport-netty4-')) ?? ''
  const descriptor = 'META-INF/es-plugins/transport-netty4/plugin-descriptor.properties'
  await runCommand(join(jdk.home, 'bin', 'jar'), ['--extract', '--file', join(module, own), descriptor], {
    cwd: home,
    log: join(home, 'jar.log'),
  })
  // Without the name of a Java module it loads from the class path, as the node itself does.
  const lines = (await readFile(join(home, descriptor), 'utf8'))
    .split('\n')
    .filter((line) => !line.startsWith('modulename'))
  await writeFile(join(module, 'plugin-descriptor.properties'), lines.join('\n'))
}

async function makeRootModule(home: string, jdk: Jdk, { version, major, java }: Release): Promise<void> {
  const module = join(home, 'modules', 'root')
  await mkdir(module, { recursive: true })
  await compile(home, jdk, ['RootHandler.java', `RootPlugin${major}.java`], join('modules', 'root', 'root.jar'))
  const descriptor = {
    description: 'Answers GET /',
    version,
    name: 'root',
    'java.version': String(java),
    'elasticsearch.version': version,
    classname: `RootPlugin${major}`,
  }
  await writeFile(
    join(module, 'plugin-descriptor.properties'),
    Object.entries(descriptor)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
}

async function compile(home: string, jdk: Jdk, sources: readonly string[], jar: string): Promise<void> {
  const classes = join(home, 'classes', sources[0] ?? '')
  const files = sources.map((source) => fileURLToPath(new URL(source, import.meta.url)))
  const log = join(home, 'javac.log')
  await runCommand(
    join(jdk.home, 'bin', 'javac'),
    ['-proc:none', '-Xlint:-options', '-cp', join(home, 'lib', '*'), '-d', classes, ...files],
    { log },
  )
  await runCommand(join(jdk.home, 'bin', 'jar'), ['--create', '--file', join(home, jar), '-C', classes, '.'], { log })
}

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installFolder, installOnce } from './cache.ts'
import { runCommand } from './command.ts'
import { classArchiveFlags, findJdk, type Jdk, keepClassArchive } from './java.ts'
import { fetchJars } from './maven.ts'
import { ask } from './probe.ts'
import { portOf, type Run, serverFolder, stage } from './run.ts'
import { makeServer, type Server, type Settings } from './server.ts'

const version = '4.4.0'
const artifacts = [
  `org.apache.kafka:kafka_2.13:${version}`,
  // Without an SLF4J binding the broker would log nothing.
  'org.apache.logging.log4j:log4j-slf4j-impl:2.25.5',
]

/** A broker and its controller in one process (KRaft). */
export const kafka: Server = makeServer({
  name: 'kafka',
  install,

  async prepare(run, data, settings) {
    const jdk = java()
    const folder = serverFolder(run, 'kafka')
    const properties = join(folder, 'kafka.properties')
    await writeFile(properties, propertiesText(run, data, settings))
    if (!existsSync(join(data, 'meta.properties'))) await format(jdk, folder, properties)
    return {
      command: join(jdk.home, 'bin', 'java'),
      // A young heap that may pause 20 ms, as the broker shares the machine with what it serves; the JIT is left whole, for benchmarks.
      args: [
        '-Xms512m',
        '-Xmx512m',
        '-XX:+UseG1GC',
        '-XX:MaxGCPauseMillis=20',
        '-Djava.awt.headless=true',
        '-Dlog4j2.level=INFO',
        ...classArchiveFlags(archive(jdk), folder),
        '-cp',
        classPath(),
        'kafka.Kafka',
        properties,
      ],
    }
  },

  async isReady(run) {
    const answer = await ask(portOf(run, 'kafka'), metadataRequest)
    // Size and correlation id, then the number of brokers: 0 while the broker is not yet admitted to its cluster.
    return answer !== undefined && answer.length >= 12 && answer.readInt32BE(8) > 0
  },

  afterStop: (run) => keepClassArchive(archive(java()), serverFolder(run, 'kafka')),
  url: (run) => `127.0.0.1:${portOf(run, 'kafka')}`,
  version: () => Promise.resolve(version),
})

async function install(run: Run): Promise<void> {
  const say = (line: string): void => run.say('kafka', line)
  await installOnce(installFolder('kafka', version), say, (draft) =>
    stage(run, 'kafka', `fetching Kafka ${version} by Maven (10 s to a minute)`, () =>
      fetchJars(artifacts, draft, say),
    ),
  )
}

function java(): Jdk {
  const jdk = findJdk(17)
  if (jdk === undefined)
    throw new Error('Java 17 or newer is missing; it is needed to run Kafka: install a JDK or set JAVA_HOME')
  return jdk
}

function archive({ version: javaVersion }: Jdk): string {
  return join(installFolder('kafka', version), `classes-${javaVersion}.jsa`)
}

function classPath(): string {
  return join(installFolder('kafka', version), 'lib', '*')
}

/** Writes the identity of a new cluster into its empty data folder. */
async function format(jdk: Jdk, folder: string, properties: string): Promise<void> {
  await runCommand(
    join(jdk.home, 'bin', 'java'),
    [
      '-Xmx128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dlog4j2.level=ERROR',
      '-cp',
      classPath(),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'MkU3OEVBNTcwNTJENDM2Qk',
      '-c',
      properties,
    ],
    { log: join(folder, 'format.log') },
  )
}

function propertiesText(run: Run, data: string, settings: Settings): string {
  const port = portOf(run, 'kafka')
  const properties: Settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${port + 1}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    'num.partitions': '4',
    // A topic that nobody created is an error which the toolkit must report, not a topic.
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // One partition instead of 50, no delay: the first group and the first transaction of a test start at once.
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // So that a spec need not wait 6 s until a killed member is missed.
    'group.min.session.timeout.ms': '500',
    // A broker that was killed is admitted again only after its old session: 9 s by default.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // The cleaner's default buffer is a quarter of our heap.
    'log.cleaner.dedupe.buffer.size': '16777216',
    'log.retention.hours': '24',
    ...settings,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** Metadata, version 1, of no topics: int32 size, int16 API key, int16 version, int32 correlation id, no client id, an empty array. */
const metadataRequest = Uint8Array.of(0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 0)

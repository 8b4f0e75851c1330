import { Kafka, logLevel } from 'kafkajs'
import { openRun, portOf, type Run, serverFolder } from '../../services/run.ts'
import { servers } from '../../services/servers.ts'

/** How far the listeners of the members, and the proxies before them, are above the broker's own port. */
const LISTENERS = 10
const PROXIES = 40

/**
 * A Kafka of our own, which may be killed. Each member has a listener of its own, whose advertised address is that of
 * the member's proxy: whatever client it is, it finds no way around.
 */
export class OwnBroker {
  readonly kafka: Kafka
  isUp = false
  private readonly run: Run
  private readonly settings: Readonly<Record<string, string>>

  constructor(portBase: number, slots: number) {
    this.run = openRun({ name: `chaos-${portBase}`, portBase })
    this.settings = settingsOf(portOf(this.run, 'kafka'), slots)
    this.kafka = new Kafka({
      clientId: 'chaos',
      brokers: [`127.0.0.1:${portOf(this.run, 'kafka')}`],
      logLevel: logLevel.NOTHING,
      requestTimeout: 5000,
    })
  }

  /** Where it keeps what is written. */
  get folder(): string {
    return serverFolder(this.run, 'kafka')
  }

  listenerPort(slot: number): number {
    return portOf(this.run, 'kafka') + LISTENERS + slot
  }

  proxyPort(slot: number): number {
    return portOf(this.run, 'kafka') + PROXIES + slot
  }

  /** Starts it with nothing in it. */
  async startFresh(): Promise<void> {
    await servers.kafka.stop(this.run)
    await servers.kafka.wipe(this.run)
    await this.start()
  }

  async start(): Promise<void> {
    await servers.kafka.start(this.run, this.settings)
    this.isUp = true
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    this.isUp = false
    await servers.kafka.stop(this.run)
  }

  async kill(): Promise<void> {
    this.isUp = false
    await servers.kafka.kill(this.run)
  }

  /** Deletes what it stored. */
  async wipe(): Promise<void> {
    await servers.kafka.wipe(this.run)
  }
}

function settingsOf(port: number, slots: number): Readonly<Record<string, string>> {
  const own = (at: number) => `PLAINTEXT://127.0.0.1:${at}`
  const each = (text: (slot: number) => string) => Array.from({ length: slots }, (_, slot) => text(slot))
  return {
    listeners: [
      own(port),
      `CONTROLLER://127.0.0.1:${port + 1}`,
      ...each((slot) => `M${slot}://127.0.0.1:${port + LISTENERS + slot}`),
    ].join(','),
    'advertised.listeners': [own(port), ...each((slot) => `M${slot}://127.0.0.1:${port + PROXIES + slot}`)].join(','),
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...each((slot) => `M${slot}:PLAINTEXT`),
    ].join(','),
    // A compacted topic loses what is superseded while the run lasts.
    'log.cleaner.backoff.ms': '2000',
  }
}

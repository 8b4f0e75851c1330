import type { Headers } from 'rxjs-kafka-toolkit'
import type { StoredMessage } from './servers.ts'

/** A message as a Kafka client gives it. */
interface ClientMessage {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: Headers
}

/** Reads a message's bytes as text. */
export function storedMessage({ key, value, headers = {} }: ClientMessage): StoredMessage {
  const texts = Object.entries(headers).map(([name, bytes]) => [name, String(bytes)] as const)
  return { key: key && String(key), value: String(value ?? ''), headers: Object.fromEntries(texts) }
}

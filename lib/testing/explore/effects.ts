import type { OutgoingMessage } from '../../broker.ts'
import type { Seen } from './world.ts'

/** One thing that a pipeline did: by its text it is known again in another life. */
export interface Effect {
  /** Of what kind: the server or the topic, or `output`. What is done there has an order. */
  readonly where: string
  readonly text: string
}

/** All that a pipeline did, kind by kind in the order of time: requests served, messages sent, values emitted. */
export function effectsOf({ calls, emissions, kafka }: Seen, source: string): readonly Effect[] {
  const served = [...calls].flatMap(([where, log]) =>
    log.filter(({ isServed }) => isServed).map(({ name }) => ({ where, text: name })),
  )
  const sent = kafka.topics.names
    .filter((name) => name !== source)
    .flatMap((where) => kafka.messages(where).map((message) => ({ where, text: textOf(message) })))
  const emitted = emissions.flatMap((one) =>
    one.kind === 'next' ? [{ where: 'output', text: JSON.stringify(one.value) ?? String(one.value) }] : [],
  )
  return [...served, ...sent, ...emitted]
}

/** Without headers, which tell of times and tries. */
function textOf({ key, value }: Pick<OutgoingMessage, 'key' | 'value'>): string {
  const [name, text] = [key, value].map((bytes) => (bytes === null ? 'null' : String(Buffer.from(bytes as Uint8Array))))
  return `${name}: ${text}`
}

import { defer, from, map, type ObservableInput } from 'rxjs'
import { type ErrorClass, type Message, type Outcome, perBatch, type RequestOptions } from 'rxjs-kafka-toolkit'

/** What `indexToEs` uses of an Elasticsearch client; a `Client` of @elastic/elasticsearch 8 or 9 is one. */
export interface BulkLike {
  bulk(params: { operations: object[] }, options: { signal: AbortSignal; maxRetries: 0 }): ObservableInput<BulkReply>
}

/** The answer to a `_bulk`: what became of each document, in order. */
export interface BulkReply {
  readonly items: readonly { readonly index?: { readonly status: number; readonly error?: object } }[]
}

/** Writes each value as a document under its message's id: a replay writes the same document again. */
export function indexToEs<A extends object>(es: BulkLike, index: string, options: RequestOptions = {}) {
  return perBatch(
    (value: A, message: Message<A>) => [{ index: { _index: index, _id: message.id } }, value],
    (documents, { messages, signal }) =>
      defer(() => from(es.bulk({ operations: documents.flat() }, { signal, maxRetries: 0 }))).pipe(
        map(({ items }) => messages.map(({ value }, i) => outcomeOf(value, items[i]?.index))),
      ),
    { name: 'indexToEs', classify, ...options },
  )
}

/** A document fails by itself; its batch has succeeded. */
function outcomeOf<A>(value: A, item: { status: number; error?: object } = { status: 503, error: {} }): Outcome<A> {
  if (item.error === undefined) return { value }
  const error = new Error(`Elasticsearch refused the document with ${item.status}: ${JSON.stringify(item.error)}`)
  return { error: Object.assign(error, { statusCode: item.status }) }
}

/** By the status of a document, or of the whole answer; some errors of the client say that there was none. */
function classify(error: unknown): ErrorClass {
  const { name = '', statusCode = 0 } = error as { name?: string; statusCode?: number }
  if ([401, 403, 404].includes(statusCode)) return 'fatal'
  const isAway = ['TransientError', 'ConnectionError', 'TimeoutError', 'NoLivingConnectionsError'].includes(name)
  return isAway || statusCode === 429 || statusCode >= 500 ? 'transient' : 'permanent'
}

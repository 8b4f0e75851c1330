import { excerpt } from '../../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../../lib/errors.ts'

/** The parts of a client's error that are read; the rest holds the whole request. */
interface ClientError {
  readonly name?: unknown
  readonly statusCode?: unknown
  readonly body?: { readonly error?: unknown }
  readonly headers?: Readonly<Record<string, unknown>>
}

/** What Elasticsearch says of a failure. */
interface ErrorBody {
  readonly type?: string
  readonly reason?: string
  readonly root_cause?: readonly { readonly type: string; readonly reason?: string }[]
  readonly caused_by?: { readonly type?: string; readonly reason?: string }
}

const UNSENT = ['ConfigurationError', 'ProductNotSupportedError', 'TypeError', 'RangeError']

/** Gives a failure of the client its class. */
export function esError(error: unknown): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof FatalError) return error
  const { name, statusCode, body, headers } = (error ?? {}) as ClientError
  if (typeof statusCode === 'number') {
    return refusal(statusCode, body?.error ?? messageOf(error), { cause: error, retryAfter: secondsOf(headers) * 1000 })
  }
  const said = `Elasticsearch: ${messageOf(error)}`
  if (name === 'SerializationError') return new PermanentError(`Cannot write the search for ${said}`, { cause: error })
  if (UNSENT.includes(String(name)) || /certificate/i.test(said)) {
    return new FatalError(`Cannot ask ${said}`, { cause: error })
  }
  return new TransientError(`Got no answer from ${said}`, { cause: error, tooLarge: name === 'TimeoutError' })
}

/** What a `_mget` says of a document that no further try would find; whatever else it says, a shard could not answer. */
const OF_THE_REQUEST = ['illegal_argument_exception', 'routing_missing_exception']

/** Gives the error of a document its class: a `_mget` tells no status. */
export function refusalOfDoc(error: unknown): Error {
  const { type = '' } = (error ?? {}) as ErrorBody
  if (type === 'security_exception') return refusal(403, error)
  return refusal(OF_THE_REQUEST.includes(type) ? 400 : 503, error)
}

/** Gives a refusal its class: by its status, and by the type that Elasticsearch names. */
export function refusal(status: number, error: unknown, options: { cause?: unknown; retryAfter?: number } = {}): Error {
  const { type = '', root_cause } = (error ?? {}) as ErrorBody
  const said = `Elasticsearch refused the search with ${status}: ${reasonOf(error)}`
  // A search of several shards fails as a whole; the root says why.
  const types = [type, ...(root_cause ?? []).map((cause) => cause.type)]
  if (types.includes('index_not_found_exception')) {
    return new FatalError(`${said}; create the index, or correct its name in the selector`, options)
  }
  if (types.includes('index_closed_exception')) {
    return new FatalError(`${said}; open the index, or correct its name in the selector`, options)
  }
  if (types.includes('media_type_header_exception')) {
    return new FatalError(`${said}; use a client of the server's major version or the one below`, options)
  }
  if (status === 401 || status === 403) {
    return new FatalError(`${said}; give the client credentials that may read the index`, options)
  }
  if (status === 408 || status === 429 || status >= 500) return new TransientError(said, options)
  return new PermanentError(said, options)
}

function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error
  const { type, reason, root_cause, caused_by } = (error ?? {}) as ErrorBody
  const [root] = root_cause ?? []
  // Of a search that missed shards only the cause says something.
  const found = root ?? (reason ? { type, reason } : (caused_by ?? { type, reason }))
  return found.type === undefined ? excerpt(error) : `${found.type}: ${found.reason}`
}

function secondsOf(headers: ClientError['headers']): number {
  return Number(headers?.['retry-after'] ?? 0) || 0
}

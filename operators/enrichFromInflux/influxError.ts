import { FatalError, messageOf, PermanentError, TransientError } from '../../lib/errors.ts'
import type { FluxRow } from './csv.ts'

/** The parts of the client's `HttpError` that are read. */
interface HttpError {
  readonly statusCode?: unknown
  readonly code?: unknown
  readonly name?: unknown
  retryAfter?(): number
}

/** Gives a failure of the client its class. */
export function influxError(error: unknown): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof FatalError) return error
  const { statusCode, name } = (error ?? {}) as HttpError
  if (typeof statusCode === 'number') return refusal(statusCode, error)
  if (isBroken(error)) return new FatalError(text('Cannot ask', error), { cause: error })
  const tooLarge = name === 'RequestTimedOutError'
  return new TransientError(text('Got no answer from', error), { cause: error, tooLarge })
}

function refusal(status: number, error: unknown): Error {
  const said = text('Got a refusal from', error)
  const cause = { cause: error }
  if (status === 401 || status === 403) {
    return new FatalError(`${said}; give the client a token that may read the bucket`, cause)
  }
  if (status === 404 || isUnknownOrg(error)) return new FatalError(`${said}; check the options org and bucket`, cause)
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfter = ((error as HttpError).retryAfter?.() ?? 0) * 1000
    return new TransientError(said, { ...cause, retryAfter, tooLarge: status === 504 || TOO_LARGE.test(said) })
  }
  return new PermanentError(said, cause)
}

/** A wrong organization is a 400 like a wrong query is; only its words tell. */
function isUnknownOrg(error: unknown): boolean {
  return /organization name .* not found/.test(messageOf(error))
}

/** Whether no request could be sent at all, now or later. */
function isBroken(error: unknown): boolean {
  const { code } = (error ?? {}) as HttpError
  return error instanceof TypeError || error instanceof RangeError || /CERT|TLS|SSL/.test(String(code))
}

/**
 * Finds the failure of a query that failed after its answer had begun: the status was 200 by then, so that InfluxDB can
 * only send the error as a row. Its words alone tell its class.
 */
export function expectNoError(rows: readonly FluxRow[]): void {
  // It ends the answer.
  const { error, _value } = rows.at(-1) ?? {}
  if (error === undefined || _value !== undefined) return
  const said = `Got an error from InfluxDB within its answer: ${error}`
  if (/unauthorized|forbidden|could not find bucket/i.test(said)) throw new FatalError(said)
  if (/schema collision|type conflict|unsupported/i.test(said)) throw new PermanentError(said)
  throw new TransientError(said, { tooLarge: TOO_LARGE.test(said) })
}

/** InfluxDB tells by its words alone that a query took more memory or time than it may. */
const TOO_LARGE = /memory (allocation )?limit|deadline exceeded|timed? ?out/i

function text(what: string, error: unknown): string {
  return `${what} InfluxDB: ${messageOf(error)}`
}

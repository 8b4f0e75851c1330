import { excerpt } from '../../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../../lib/errors.ts'

/** What a server says that will soon be another one, or is in want of something for a while. */
const TRANSIENT = [
  ...['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN', 'MOVED', 'ASK'],
  ...['READONLY', 'OOM', 'MISCONF', 'NOREPLICAS'],
]
const FATAL = ['NOAUTH', 'NOPERM', 'WRONGPASS']

/** Gives a client's error its class. A `ReplyError` is the server's own; whatever else it is, there was no reply. */
export function redisError(error: unknown, key?: string): Error {
  if (error instanceof TransientError) return error
  const text = messageOf(error)
  const what = key === undefined ? 'the pipeline' : `ZADD of ${excerpt(key)}`
  if ((error as Error | null)?.name === 'ReplyError') return refusal(text, what, error)
  const isBug = error instanceof TypeError || error instanceof RangeError
  return new (isBug ? FatalError : TransientError)(`Cannot send ${what} to Redis: ${text}`, { cause: error })
}

function refusal(text: string, what: string, cause: unknown): Error {
  const [code = ''] = text.split(' ')
  const said = `Redis refused ${what}: ${text}`
  if (TRANSIENT.includes(code) || text.includes('max number of clients')) return new TransientError(said, { cause })
  // Before Redis 7.2 a script's missing right had no code of its own.
  if (FATAL.includes(code) || text.includes("executing the script can't run"))
    return new FatalError(`${said}; give the client a user and password that may ZADD`, { cause })
  return new PermanentError(said + (ADVICE[code] ?? ''), { cause })
}

const ADVICE: Readonly<Record<string, string>> = {
  WRONGTYPE: '; delete what is under that key, or choose another in the selector',
}

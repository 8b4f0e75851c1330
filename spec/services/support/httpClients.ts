import { fetch as crossFetch } from 'cross-fetch'
import { Agent } from 'undici'
import { undiciFetch } from '../../../examples/undiciFetch.ts'
import type { FetchLike } from '../../../operators/postTo/postTo.ts'

/** By what `postTo` can send. */
export const HTTP_CLIENTS: readonly (readonly [name: string, fetch: FetchLike])[] = [
  ['cross-fetch', crossFetch],
  ['Node’s own fetch', fetch],
  ['an Agent of undici', undiciFetch(new Agent())],
]

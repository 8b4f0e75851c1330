import type { FetchLike } from 'rxjs-kafka-toolkit/operators'
import type { Dispatcher } from 'undici'

/**
 * Has `postTo` send by an Agent or Pool of undici, which has its own limits, proxies and certificates:
 * `postTo(url, select, { fetch: undiciFetch(new Agent()) })`.
 */
export function undiciFetch(dispatcher: Dispatcher): FetchLike {
  return async (url, { method, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(url)
    const answer = await dispatcher.request({ origin, path: pathname + search, method, headers, body, signal })
    const get = (name: string) => answer.headers[name.toLowerCase()]?.toString() ?? null
    return { status: answer.statusCode, headers: { get }, body: answer.body }
  }
}

import { type ObservableInput, of } from 'rxjs'
import type { FetchLike, PostInit, ResponseLike } from '../../operators/postTo/postTo.ts'

/** What a {@link askedHttp} was asked. */
export type Asked = PostInit & { readonly url: string }

/** An answer of the server. */
export function answer(status: number, body = '', headers: Record<string, string> = {}): ResponseLike {
  return { status, headers: { get: (name) => headers[name] ?? null }, body: of(Buffer.from(body)) }
}

/** Answers each request by `next`, and keeps what it was asked. */
export function askedHttp(next: (call: number, asked: Asked) => ObservableInput<ResponseLike>) {
  const asked: Asked[] = []
  const fetch: FetchLike = (url, init) => {
    const one = { url, ...init }
    return next(asked.push(one), one)
  }
  return { fetch, asked }
}

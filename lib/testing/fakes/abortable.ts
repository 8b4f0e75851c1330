import { type MonoTypeOperatorFunction, Observable } from 'rxjs'

/** Ends a request when its signal aborts, with the error that the client has for it. */
export function abortable<T>(signal: AbortSignal | undefined, failure: () => Error): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((out) => {
      const abort = () => out.error(failure())
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort)
      out.add(() => signal?.removeEventListener('abort', abort))
      out.add(source.subscribe(out))
    })
}

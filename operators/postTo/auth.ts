import {
  catchError,
  defer,
  from,
  map,
  mergeMap,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  ReplaySubject,
  share,
  take,
  tap,
} from 'rxjs'
import { FatalError, messageOf, TransientError } from '../../lib/errors.ts'
import type { Answer } from './exchange.ts'
import { type HttpHeaders, headerFault } from './headers.ts'

/**
 * The headers that let requests in, such as a token: asked for once, shared by all requests, and asked for again when
 * the server refuses them. Several requests that are refused at once have them renewed once.
 */
export class Auth {
  private readonly ask: () => ObservableInput<HttpHeaders>
  private latest: Observable<HttpHeaders>

  constructor(ask: () => ObservableInput<HttpHeaders>) {
    this.ask = ask
    this.latest = this.asked()
  }

  /** Makes a request, and once more with new headers when `isRefused` says so of its answer. */
  let(
    request: (headers: HttpHeaders) => Observable<Answer>,
    isRefused: (answer: Answer) => boolean,
  ): Observable<Answer> {
    const first = this.latest
    return first.pipe(
      mergeMap(request),
      mergeMap((answer) => (isRefused(answer) ? this.after(first).pipe(mergeMap(request)) : of(answer))),
    )
  }

  /** Newer headers than those that were refused; another request may have asked for them already. */
  private after(refused: Observable<HttpHeaders>): Observable<HttpHeaders> {
    if (this.latest === refused) this.latest = this.asked()
    return this.latest
  }

  /** Once it has answered it is not asked again; when it fails, or nobody waits for it any more, it is. */
  private asked(): Observable<HttpHeaders> {
    let isGiven = false
    return defer(() => from(this.ask())).pipe(
      take(1),
      map(checked),
      catchError((error) => {
        throw authError(error)
      }),
      tap(() => {
        isGiven = true
      }),
      share({
        connector: () => new ReplaySubject(1),
        resetOnComplete: false,
        resetOnRefCountZero: () => (isGiven ? NEVER : of(true)),
      }),
    )
  }
}

function checked(headers: HttpHeaders): HttpHeaders {
  const fault = headerFault(headers)
  if (fault !== undefined) throw new FatalError(`Expected ${fault}; see to it in \`auth\``)
  return headers
}

/** Whoever gives out tokens may be away for a while; a fault in the program stays. */
function authError(error: unknown): Error {
  if ((error as { errorClass?: unknown } | null)?.errorClass !== undefined) return error as Error
  const isBug = (error instanceof TypeError || error instanceof ReferenceError) && error.cause === undefined
  return new (isBug ? FatalError : TransientError)(`Cannot get the auth headers of postTo: ${messageOf(error)}`, {
    cause: error,
  })
}

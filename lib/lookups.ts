import { forkJoin, from, map, type Observable, type ObservableInput, of, tap } from 'rxjs'
import type { Answer, AnswerCache } from './answerCache.ts'
import { excerpt } from './codec.ts'
import { FatalError } from './errors.ts'
import { type Answers, Flights } from './flights.ts'
import type { Message } from './message.ts'
import type { Batch, Outcome } from './perBatch.ts'

/** What became of one request: what it found, or a failure. */
export type Reply<N> = N | { readonly error: unknown }

/** How look-ups are done. */
export interface LookupWork<A, R, N extends Answer<unknown>, B> {
  readonly name: string
  keyOf(request: R): string
  ask(requests: readonly R[], batch: { readonly signal: AbortSignal }): ObservableInput<readonly Reply<N>[]>
  /** What a message passes on with. */
  put(value: A, answer: N, request: R): Outcome<B>
}

/** The look-ups of one subscription of `perLookup`: what is known, and what is being asked. */
export class Lookups<A, R, N extends Answer<unknown>, B> {
  private readonly work: LookupWork<A, R, N, B>
  private readonly cache: AnswerCache<R, N> | undefined
  private readonly flights = new Flights<Reply<N>>()

  constructor(work: LookupWork<A, R, N, B>, cache: AnswerCache<R, N> | undefined) {
    this.work = work
    this.cache = cache
  }

  /** The outcome for a message, where the cache knows it. */
  readonly known = (request: R, { value, origin }: Message<A>): Outcome<B> | undefined => {
    const answer = this.cache?.get(request, origin.clock.now())
    return answer === undefined ? undefined : this.work.put(value, answer, request)
  }

  /** Asks for a batch: what is known not at all, what others are asking not again, and equal requests once. */
  readonly send = (requests: readonly R[], { messages, signal }: Batch<A>): Observable<readonly Outcome<B>[]> => {
    const now = (messages[0] as Message<A>).origin.clock.now()
    const keys = requests.map((request) => this.work.keyOf(request))
    const known = new Map<string, Reply<N>>()
    const fresh = new Map<string, R>()
    const joined = new Set<Observable<Answers<Reply<N>>>>()
    for (const [i, request] of requests.entries()) {
      const key = keys[i] as string
      if (known.has(key) || fresh.has(key)) continue
      const answer = this.cache?.get(request, now)
      const flight = this.cache === undefined ? undefined : this.flights.of(key)
      if (answer !== undefined) known.set(key, answer)
      else if (flight !== undefined) joined.add(flight)
      else fresh.set(key, request)
    }
    if (fresh.size > 0) joined.add(this.askFor(fresh, now, signal))
    return this.all(known, joined).pipe(
      map((answers) =>
        requests.map((request, i) =>
          this.outcome((messages[i] as Message<A>).value, request, answers.get(keys[i] as string) as Reply<N>),
        ),
      ),
    )
  }

  private all(
    known: Answers<Reply<N>>,
    flights: ReadonlySet<Observable<Answers<Reply<N>>>>,
  ): Observable<Answers<Reply<N>>> {
    if (flights.size === 0) return of(known)
    const [only] = flights as unknown as [Observable<Answers<Reply<N>>>]
    if (flights.size === 1 && known.size === 0) return only
    return forkJoin([...flights]).pipe(map((answers) => new Map([known, ...answers].flatMap((each) => [...each]))))
  }

  private outcome(value: A, request: R, reply: Reply<N>): Outcome<B> {
    return 'error' in reply ? reply : this.work.put(value, reply, request)
  }

  private askFor(requests: ReadonlyMap<string, R>, asked: number, signal: AbortSignal): Observable<Answers<Reply<N>>> {
    const ask = (signal: AbortSignal) =>
      from(this.work.ask([...requests.values()], { signal })).pipe(
        map((replies) => this.byKey(requests, replies)),
        tap((answers) => this.learn(requests, answers, asked)),
      )
    // Whoever joins takes an answer from before it asked, as it does from the cache; without one nobody does.
    if (this.cache === undefined) return ask(signal)
    return this.flights.start(requests.keys(), ask)
  }

  private byKey(requests: ReadonlyMap<string, R>, replies: readonly Reply<N>[]): Answers<Reply<N>> {
    const { name } = this.work
    if (!Array.isArray(replies) || replies.length !== requests.size) {
      const got = Array.isArray(replies) ? `${replies.length} answers` : `${replies}, not answers,`
      throw new FatalError(`${name} got ${got} for ${requests.size} requests; ask() has to give one for each`)
    }
    const wrong = replies.findIndex((reply) => !isReply(reply))
    if (wrong >= 0)
      throw new FatalError(
        `${name} got ${excerpt(replies[wrong])} for an answer; ask() has to give { found } or { error }`,
      )
    return new Map([...requests.keys()].map((key, i) => [key, replies[i] as Reply<N>]))
  }

  /** Keeps what was found, or that nothing was; never a failure. */
  private learn(requests: ReadonlyMap<string, R>, answers: Answers<Reply<N>>, asked: number): void {
    if (this.cache === undefined) return
    for (const [key, request] of requests) {
      const reply = answers.get(key) as Reply<N>
      if (!('error' in reply)) this.cache.set(request, reply, asked)
    }
  }
}

function isReply(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && ('found' in reply || 'error' in reply)
}

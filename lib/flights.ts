import { from, Observable, type ObservableInput, share, take, tap } from 'rxjs'

/** Answers by the key of their request. */
export type Answers<T> = ReadonlyMap<string, T>

/** Requests under way, so that an equal one waits for the same answer instead of being sent again. */
export class Flights<T> {
  private readonly flying = new Map<string, Observable<Answers<T>>>()

  /** The request under way that a key is part of. */
  of(key: string): Observable<Answers<T>> | undefined {
    return this.flying.get(key)
  }

  /**
   * Sends one request for several keys. It is aborted when nobody waits for it any more: neither those who sent it nor
   * those who joined.
   */
  start(keys: Iterable<string>, send: (signal: AbortSignal) => ObservableInput<Answers<T>>): Observable<Answers<T>> {
    const all = [...keys]
    const land = () => {
      for (const key of all) if (this.flying.get(key) === flight) this.flying.delete(key)
    }
    const flight: Observable<Answers<T>> = abortable(send).pipe(
      take(1),
      // Before the answer goes out: what it leads to may ask again, and would join a flight that is over.
      tap({ next: land, finalize: land }),
      share(),
    )
    for (const key of all) this.flying.set(key, flight)
    return flight
  }
}

/** Runs `send` with a signal that aborts when the subscriber leaves before the answer. */
function abortable<V>(send: (signal: AbortSignal) => ObservableInput<V>): Observable<V> {
  return new Observable((out) => {
    const controller = new AbortController()
    let isOver = false
    const over = () => {
      isOver = true
    }
    out.add(() => {
      if (!isOver) controller.abort()
    })
    return from(send(controller.signal))
      .pipe(tap({ next: over, error: over, complete: over }))
      .subscribe(out)
  })
}

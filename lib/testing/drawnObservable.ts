import { Observable, Subject } from 'rxjs'
import type { Clock } from '../clock.ts'
import { readMarbles } from './marbles.ts'

/** What the characters of a drawn observable stand for; left out, each stands for itself. */
export type DrawnValues<T> = Readonly<Record<string, T>>

/** An observable that emits as drawn, each time from when it is subscribed to. */
export function coldOn<T>(clock: Clock, marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T> {
  const steps = stepsOf(marbles, values, error)
  return new Observable((subscriber) => {
    for (const { at, emit } of steps) subscriber.add(clock.schedule(() => emit(subscriber), at))
  })
}

/** An observable that emits as drawn from the start of the test, whoever listens. */
export function hotOn<T>(clock: Clock, marbles: string, values?: DrawnValues<T>, error?: unknown): Observable<T> {
  const subject = new Subject<T>()
  for (const { at, emit } of stepsOf(marbles, values, error)) clock.schedule(() => emit(subject), at)
  return subject.asObservable()
}

interface Target<T> {
  next(value: T): void
  error(error: unknown): void
  complete(): void
}

interface Step<T> {
  readonly at: number
  emit(target: Target<T>): void
}

function stepsOf<T>(marbles: string, values: DrawnValues<T> | undefined, error: unknown = 'error'): readonly Step<T>[] {
  return readMarbles(marbles, 'marbles').map(({ at, name }): Step<T> => {
    if (name === '|') return { at, emit: (target) => target.complete() }
    if (name === '#') return { at, emit: (target) => target.error(error) }
    const value = values === undefined ? (name as T) : (values[name] as T)
    return { at, emit: (target) => target.next(value) }
  })
}

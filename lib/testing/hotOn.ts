import { type Observable, Subject } from 'rxjs'
import { readMarbles } from './marbles.ts'

/** What the characters of a drawing stand for; those that are left out stand for themselves. */
export type DrawnValues<T> = Readonly<Record<string, T>>

/**
 * An observable that emits as drawn, whoever listens.
 *
 * @param later does something at an instant of the test
 */
export function hotOn<T>(
  later: (work: () => void, at: number) => void,
  marbles: string,
  values: DrawnValues<T> = {},
  error: unknown = 'error',
): Observable<T> {
  const subject = new Subject<T>()
  for (const { at, name } of readMarbles(marbles, 'marbles')) {
    const value = name in values ? (values[name] as T) : (name as T)
    later(() => {
      if (name === '|') subject.complete()
      else if (name === '#') subject.error(error)
      else subject.next(value)
    }, at)
  }
  return subject.asObservable()
}

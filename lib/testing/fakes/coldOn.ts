import { Observable, type ObservableNotification, type Subscriber } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { Clock } from '../../clock.ts'

/** Reads marbles with one ms a character, whatever a test has set for all. */
class Marbles extends TestScheduler {
  static override frameTimeFactor = 1
}

/** What marbles draw, in the time of a clock: virtual or real. Begins when it is subscribed to. */
export function coldOn<T>(
  clock: Clock,
  marbles: string,
  values: Readonly<Record<string, T>> | undefined,
  error: unknown,
): Observable<T> {
  return new Observable((out) => {
    for (const { frame, notification } of Marbles.parseMarbles(marbles, values, error, false, true))
      out.add(clock.schedule(() => tell(out, notification), frame))
  })
}

function tell<T>(out: Subscriber<T>, notification: ObservableNotification<T>): void {
  if (notification.kind === 'N') out.next(notification.value)
  else if (notification.kind === 'E') out.error(notification.error)
  else out.complete()
}

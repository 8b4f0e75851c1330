import { Observable, of } from 'rxjs'

/** Lets messages pass, or holds them in flight. */
export class Gate {
  private isOpen = true
  private held: (() => void)[] = []

  /** Messages that wait. */
  get size(): number {
    return this.held.length
  }

  close(): void {
    this.isOpen = false
  }

  open(): void {
    this.isOpen = true
    this.release(this.held.length)
  }

  /** Lets the oldest go. */
  release(count: number): void {
    for (const pass of this.held.splice(0, count)) pass()
  }

  pass<T>(value: T): Observable<T> {
    if (this.isOpen) return of(value)
    return new Observable((subscriber) => {
      this.held.push(() => {
        subscriber.next(value)
        subscriber.complete()
      })
    })
  }
}

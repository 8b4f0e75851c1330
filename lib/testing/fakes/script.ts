import { catchError, defaultIfEmpty, defer, forkJoin, map, Observable, of, Subject, take } from 'rxjs'
import type { Clock } from '../../clock.ts'
import { expectMs } from '../../expect.ts'
import { coldOn } from './coldOn.ts'
import { type DrawnReplies, drawnReplies } from './drawings.ts'
import type { Call, FakeErrors, Scripted } from './scripted.ts'

/** Stands for a fake's own reply. */
const OWN = Symbol('own reply')

/** Errors that come after the server has done what it was asked. */
const late = new WeakSet<object>()

/** Marks an error: the server has done what it was asked, and only the reply is lost. */
export function afterServing<E extends object>(error: E): E {
  late.add(error)
  return error
}

/** What a fake says of itself. */
interface Scriptable<Item> {
  readonly clock: Clock
  readonly errors: FakeErrors
  /** The names of what an item asks for: of each member that a ZADD adds, say. */
  namesOf(item: Item): readonly string[]
}

/** Decides when and what a fake replies, and keeps what it was asked. */
export class Script<Item, Reply> {
  private readonly fake: Scriptable<Item>
  private readonly calls = new Subject<Call<Item>>()
  private readonly log: Call<Item>[] = []
  private latency = 0
  private requests = 0
  private drawn: DrawnReplies = { drawings: new Map(), letters: {} }

  constructor(fake: Scriptable<Item>) {
    this.fake = fake
  }

  /** Gives a fake what {@link Scripted} names. */
  control<Fake extends object>(own: Fake): Fake & Scripted<Item> {
    const { calls, log } = this
    const fake: Fake & Scripted<Item> = Object.assign(own, {
      calls: calls.asObservable(),
      log,
      errors: this.fake.errors,
      takes: (ms: number) => {
        expectMs('ms', ms)
        this.latency = ms
        return fake
      },
      replies: (...script: readonly unknown[]) => {
        this.drawn = drawnReplies(script)
        return fake
      },
    })
    return fake
  }

  /**
   * Makes a request once it is subscribed to: at that instant its items are noted and done. Gives a reply or an error
   * for each.
   *
   * @param serve does items, in order; gives a reply for each
   */
  ask(items: readonly Item[], serve: (items: readonly Item[]) => readonly Reply[]): Observable<(Reply | Error)[]> {
    return defer(() => {
      const plans = this.plan(items)
      const isServed = plans.map((plan) => plan.every((drawing) => this.isServed(drawing)))
      this.note(items, isServed)
      const served = serve(items.filter((_, i) => isServed[i])).values()
      const own = isServed.map((is) => (is ? served.next().value : undefined))
      if (plans.every((plan) => plan.length === 0)) return this.wait().pipe(map(() => own as Reply[]))
      const isDrawn = plans.every((plan) => plan.length > 0)
      return forkJoin([isDrawn ? of(OWN) : this.wait(), ...plans.map((plan) => this.show(plan))]).pipe(
        map(([, ...shown]) => shown.map((reply, i) => (reply === OWN ? own[i] : reply) as Reply | Error)),
      )
    })
  }

  private note(items: readonly Item[], isServed: readonly boolean[]): void {
    const { namesOf, clock } = this.fake
    const request = ++this.requests
    for (const [i, item] of items.entries()) {
      for (const name of namesOf(item)) {
        const call = { name, at: clock.now(), request, isServed: isServed[i] === true, item }
        this.log.push(call)
        this.calls.next(call)
      }
    }
  }

  /** The drawings for each item; none for what is not drawn. What comes in turn moves on once a request. */
  private plan(items: readonly Item[]): string[][] {
    const { drawings } = this.drawn
    const taken = new Map<string, string | undefined>()
    const take = (key: string) => {
      const drawn = drawings.get(key)
      if (!taken.has(key)) taken.set(key, Array.isArray(drawn) ? drawn.shift() : drawn)
      return taken.get(key) ?? []
    }
    return items.map((item) => this.fake.namesOf(item).flatMap((name) => take(drawings.has(name) ? name : '*')))
  }

  private isServed(drawing: string): boolean {
    return drawing.includes('r') || (drawing.includes('#') && late.has(this.error as object))
  }

  private get error(): unknown {
    return this.drawn.letters['#'] ?? this.fake.errors.transient
  }

  /** What the drawings of an item show: an error before another's reply. */
  private show(plan: readonly string[]): Observable<unknown> {
    if (plan.length === 0) return of(OWN)
    const letters = { ...this.drawn.letters, r: OWN }
    const shown = plan.map((drawing) =>
      coldOn<unknown>(this.fake.clock, drawing, letters, this.error).pipe(
        take(1),
        catchError((error) => of(error)),
        defaultIfEmpty(new Error(`The drawing ${drawing} ends without a reply`)),
      ),
    )
    return forkJoin(shown).pipe(
      map((all) => {
        const drawn = all.filter((one) => one !== OWN)
        return drawn.length === 0 ? OWN : (drawn.find((one) => one instanceof Error) ?? drawn[0])
      }),
    )
  }

  private wait(): Observable<unknown> {
    return new Observable((out) =>
      this.fake.clock.schedule(() => {
        out.next(OWN)
        out.complete()
      }, this.latency),
    )
  }
}

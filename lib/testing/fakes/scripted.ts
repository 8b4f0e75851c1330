import type { Observable } from 'rxjs'

/** One thing that a fake was asked. */
export interface Call<Item> {
  /** What `replies` finds it by. */
  readonly name: string
  /** When, in ms of the fake's clock. */
  readonly at: number
  /** The number of the request that carried it, from 1. */
  readonly request: number
  /** Whether the server did it, which is not whether its reply came. */
  readonly isServed: boolean
  readonly item: Item
}

/** What comes back, drawn: always this, or these in turn and then the fake's own reply. */
export type Drawings = string | readonly string[]

/** What the letters of drawings stand for: replies, or errors as the real client has them; `#` is the error. */
export type Letters = Readonly<Record<string, unknown>>

/**
 * The failures that a real client meets, one of each class, for the `#` of a drawing: `{ '#': redis.errors.fatal }`. With
 * `lost`, a transient one, the server has done what it was asked, and only its reply is lost; with the others nothing
 * was done.
 */
export interface FakeErrors {
  readonly transient: unknown
  readonly permanent: unknown
  readonly fatal: unknown
  readonly lost: unknown
}

/**
 * What the script of every fake can do. Left alone, a fake does what it is asked and replies at once.
 *
 *     ask                                    a--b
 *     .takes(2)                              --r--r
 *     .replies({ a: '-----(r|)' })           -----r      after 5 ms for a, as before for b
 *     .replies('-#', '-(r|)')                -#--(-r)    an error for the first request, no reply of its own; then replies
 */
export interface Scripted<Item> {
  /** What is asked, at the instant it is: hot. */
  readonly calls: Observable<Call<Item>>
  /** All that was asked so far. */
  readonly log: readonly Call<Item>[]
  readonly errors: FakeErrors
  /** How long a reply takes that is not drawn, in ms. @default 0 */
  takes(ms: number): this
  /**
   * Draws replies by the names of what is asked, `'*'` for all other; in the place of what was drawn before. `r` is the
   * fake's own reply to what it then did, at the instant it was asked; a drawing without `r` has it do nothing.
   * `#` is an error, `errors.transient` unless the letters have another.
   */
  replies(drawings: Readonly<Record<string, Drawings>>, letters?: Letters): this
  /** Draws the replies to the next requests, in their order; those after them are the fake's own. */
  replies(...inTurn: readonly string[] | readonly [...string[], Letters]): this
}

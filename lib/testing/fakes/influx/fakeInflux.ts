import { type Clock, systemClock } from '../../../clock.ts'
import { abortable } from '../abortable.ts'
import { afterServing, Script } from '../script.ts'
import type { Scripted } from '../scripted.ts'
import { annotatedCsv, csvOfRows } from './annotatedCsv.ts'
import type { Row } from './evaluate.ts'
import { FluxError, readFlux } from './flux.ts'
import { Bucket, type InfluxWrite } from './points.ts'
import { NoBucket, runFlux } from './query.ts'
import { seriesNames } from './seriesNames.ts'

/** A query as it reached the fake. */
export interface InfluxQuery {
  readonly flux: string
  /** The organization or its id. */
  readonly org: string | null
  /** The series that it looks for, each as the values of its tags; the query itself when it names none. */
  readonly series: readonly string[]
}

/** An InfluxDB 2, at the port of `enrichFromInflux`. */
export interface FakeInflux extends Scripted<InfluxQuery> {
  readonly transport: {
    send(
      path: string,
      body: string,
      options: { readonly signal?: AbortSignal },
      callbacks: { next(chunk: Uint8Array): void; error(error: Error): void; complete(): void },
    ): void
  }
  /** Writes points into a bucket, which is made if it is not there. */
  write(bucket: string, points: readonly InfluxWrite[]): void
  /** An answer other than 2xx, as the client shows it: a letter of a drawing. */
  refusal(status: number, options?: InfluxRefusal): Error
}

/** What a refusal says. */
export interface InfluxRefusal {
  readonly message?: string
  /** How long the client is asked to wait, in s. @default 0 */
  readonly retryAfter?: number
}

/**
 * A fake InfluxDB for `enrichFromInflux(influx, …)`: points, and the Flux that looks them up, at or before an instant.
 *
 * ```ts
 * const influx = fakeInflux(scheduler)
 * influx.write('marketdata', [{ measurement: 'price', tags: { symbol: 'A' }, fields: { last: 42 }, at: new Date(0) }])
 * influx.replies({ A: '---(r|)' }).takes(1)
 * ```
 *
 * A call's name is that of a series that a query looks for: the values of its tags. A letter may stand for rows. Any
 * organization is right. Its errors: *transient*, 503; *lost*, a reset connection; *permanent*, 400; *fatal*, 401.
 */
export function fakeInflux(clock: Clock = systemClock): FakeInflux {
  const buckets = new Map<string, Bucket>()
  const serve = ({ flux }: InfluxQuery) => answerOf(flux, buckets)
  const namesOf = ({ series }: InfluxQuery) => series
  const script = new Script<InfluxQuery, unknown>({ clock, errors: errors(), namesOf })
  const send: FakeInflux['transport']['send'] = (path, body, { signal }, callbacks) => {
    script
      .ask([queryOf(path, body)], (queries) => queries.map(serve))
      .pipe(abortable(signal, () => Object.assign(new Error('Response aborted'), { name: 'AbortError' })))
      .subscribe({
        next: ([reply]) => {
          if (reply instanceof Error) return callbacks.error(reply)
          callbacks.next(Buffer.from(reply instanceof Answer ? reply.csv : csvOfRows(reply as readonly Row[])))
          callbacks.complete()
        },
        error: (error) => callbacks.error(error),
      })
  }
  return script.control({
    transport: { send },
    write: (name: string, points: readonly InfluxWrite[]) => {
      const bucket = buckets.get(name) ?? new Bucket()
      buckets.set(name, bucket)
      for (const point of points) bucket.write(point)
    },
    refusal: (status: number, options?: InfluxRefusal) => httpError(status, options),
  })
}

/** The fake's own answer, apart from the rows that a letter may stand for. */
class Answer {
  readonly csv: string

  constructor(csv: string) {
    this.csv = csv
  }
}

function queryOf(path: string, body: string): InfluxQuery {
  const flux = String(JSON.parse(body).query)
  const series = seriesOf(flux)
  return {
    flux,
    org: new URL(path, 'http://influx').searchParams.get('org'),
    series: series.length === 0 ? [flux] : series,
  }
}

function seriesOf(flux: string): readonly string[] {
  try {
    return seriesNames(readFlux(flux))
  } catch {
    return []
  }
}

function answerOf(flux: string, buckets: ReadonlyMap<string, Bucket>): Answer | Error {
  try {
    return new Answer(annotatedCsv(runFlux(readFlux(flux), buckets)))
  } catch (error) {
    if (error instanceof NoBucket) return httpError(404, { message: noBucketText(error.message) })
    if (error instanceof FluxError) return httpError(400, { message: `compilation failed: ${error.message}` })
    throw error
  }
}

function noBucketText(name: string): string {
  return `failed to initialize execute state: could not find bucket ${JSON.stringify(name)}`
}

const CODES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  404: 'not found',
  429: 'too many requests',
  503: 'unavailable',
}

function httpError(
  statusCode: number,
  { message = CODES[statusCode] ?? '', retryAfter = 0 }: InfluxRefusal = {},
): Error {
  const json = { code: CODES[statusCode] ?? 'internal error', message }
  return Object.assign(new Error(message), {
    name: 'HttpError',
    statusCode,
    code: json.code,
    json,
    body: JSON.stringify(json),
    retryAfter: () => retryAfter,
  })
}

function errors() {
  return {
    transient: httpError(503),
    permanent: httpError(400, { message: 'compilation failed: invalid expression' }),
    fatal: httpError(401, { message: 'unauthorized access' }),
    lost: afterServing(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })),
  }
}

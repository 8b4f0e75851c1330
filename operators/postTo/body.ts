import { EMPTY, from, map, Observable, type ObservableInput, takeWhile, toArray } from 'rxjs'

/** A body, or as much of it as may be read. */
export interface Read {
  readonly text: string
  /** Whether it goes on after `text`. */
  readonly isCut: boolean
}

/** What is used of a stream of Node, such as cross-fetch gives. */
interface NodeStream {
  on(event: string, listener: (chunk?: unknown) => void): unknown
  off(event: string, listener: (chunk?: unknown) => void): unknown
}

type Body = ObservableInput<Uint8Array> | null

/** Reads a body to its end, or up to `maxBytes`. */
export function readBody(body: Body, maxBytes: number): Observable<Read> {
  let size = 0
  const goesOn = ({ byteLength }: Uint8Array) => {
    size += byteLength
    return size <= maxBytes
  }
  return chunksOf(body ?? EMPTY).pipe(
    takeWhile(goesOn, true),
    toArray(),
    map((chunks) => ({ text: textOf(chunks, maxBytes), isCut: size > maxBytes })),
  )
}

function textOf(chunks: readonly Uint8Array[], maxBytes: number): string {
  if (chunks.length === 0) return ''
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes))
}

/** By the events of a stream of Node: as an iterable, which it is too, it costs a quarter of a small request. */
function chunksOf(body: ObservableInput<Uint8Array>): Observable<Uint8Array> {
  if (!isNodeStream(body)) return from(body)
  return new Observable((subscriber) => {
    let isEnded = false
    const next = (chunk: unknown) => subscriber.next(chunk as Uint8Array)
    body.on('data', next)
    body.on('end', () => {
      isEnded = true
      subscriber.complete()
    })
    // It stays: a stream whose request is aborted fails once more, and nobody else would hear it.
    body.on('error', (error) => subscriber.error(error))
    body.on('close', () => isEnded || subscriber.error(endedEarly()))
    return () => body.off('data', next)
  })
}

function endedEarly(): Error {
  return Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' })
}

function isNodeStream(body: unknown): body is NodeStream {
  return typeof (body as NodeStream).on === 'function' && typeof (body as NodeStream).off === 'function'
}

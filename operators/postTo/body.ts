import { EMPTY, from, type ObservableInput, type TeardownLogic, takeWhile } from 'rxjs'

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

/**
 * Reads a body to its end, or up to `maxBytes`.
 *
 * @returns what stops it
 */
export function readBody(
  body: Body,
  maxBytes: number,
  done: (whole: Read) => void,
  fail: (error: unknown) => void,
): TeardownLogic {
  const chunks: Uint8Array[] = []
  let size = 0
  const end = () => done({ text: textOf(chunks, maxBytes), isCut: size > maxBytes })
  const takes = (chunk: Uint8Array) => {
    chunks.push(chunk)
    size += chunk.byteLength
    return size <= maxBytes
  }
  // A `fetch` of the user's own may have forgotten it.
  const all = body ?? EMPTY
  if (isNodeStream(all)) return listen(all, takes, end, fail)
  return from(all).pipe(takeWhile(takes)).subscribe({ complete: end, error: fail })
}

function textOf(chunks: readonly Uint8Array[], maxBytes: number): string {
  if (chunks.length === 0) return ''
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes))
}

/** By the events of a stream of Node: as an iterable, which it is too, it costs a quarter of a small request. */
function listen(
  body: NodeStream,
  takes: (chunk: Uint8Array) => boolean,
  end: () => void,
  fail: (error: unknown) => void,
): () => void {
  let isEnded = false
  const data = (chunk: unknown) => takes(chunk as Uint8Array) || end()
  body.on('data', data)
  body.on('end', () => {
    isEnded = true
    end()
  })
  // It stays: a stream whose request is aborted fails once more, and nobody else would hear it.
  body.on('error', fail)
  body.on('close', () => isEnded || fail(endedEarly()))
  return () => body.off('data', data)
}

function endedEarly(): Error {
  return Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' })
}

function isNodeStream(body: unknown): body is NodeStream {
  return typeof (body as NodeStream).on === 'function' && typeof (body as NodeStream).off === 'function'
}

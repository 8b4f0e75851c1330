import { PermanentError } from '../../lib/errors.ts'
import { refuse } from '../../lib/expect.ts'
import { withField } from '../../lib/withField.ts'
import type { Answer, ResponseLike } from './exchange.ts'
import { answerText } from './outcome.ts'

/** How an answer's body is read: as JSON (null when it is empty), as text, or not at all. */
export type HttpResponse = 'json' | 'text' | 'discard'

/** The words of {@link HttpResponse}. */
export const RESPONSES: readonly HttpResponse[] = ['json', 'text', 'discard']

/** What a request was answered with. */
export interface HttpAnswer<Body = unknown> {
  readonly status: number
  readonly headers: ResponseLike['headers']
  readonly body: Body
}

/** The type of an answer's body, as it is read. */
export type HttpBody<R extends HttpResponse> = R extends 'text' ? string : R extends 'json' ? unknown : undefined

/** How the answer comes into the value. */
export interface IntoAnswer<I, R extends HttpResponse> {
  /** The key that the answer's body gets in the message's value, or a function that puts the answer anywhere. */
  readonly into: I
  /** How the body is read. @default 'json' */
  readonly response?: R
}

/** {@link IntoAnswer}, whatever it is. */
export interface AnyInto<A, B> {
  readonly into?: string | ((value: A, answer: HttpAnswer) => B) | undefined
  readonly response?: HttpResponse | undefined
}

/**
 * Makes what puts a successful answer into the value. It throws when the answer is not what it should be: the request
 * was served, and would be served no better again.
 *
 * @param maxBytes how much of an answer was read
 * @throws TypeError for a wrong option, at once
 */
export function intoAnswer<A, B>(
  { into, response = into === undefined ? 'discard' : 'json' }: AnyInto<A, B>,
  maxBytes: number,
): (value: A, answer: Answer) => B {
  if (typeof into === 'function') return (value, answer) => into(value, readAnswer(answer, response, maxBytes))
  if (into === undefined) {
    if (response !== 'discard') refuse('into', `given when the response is read as ${response}`, into)
    return (value) => value as unknown as B
  }
  if (response === 'discard') refuse('response', 'json or text when its body goes under a key', response)
  return (value, answer) => withField(value, into, readAnswer(answer, response, maxBytes).body) as B
}

/** Refuses what says no place in a value. */
export function expectInto(name: string, into: unknown): void {
  if (typeof into !== 'function' && (typeof into !== 'string' || into === '')) refuse(name, 'a key or a function', into)
}

function readAnswer(answer: Answer, response: HttpResponse, maxBytes: number): HttpAnswer {
  const { status, headers, text } = answer
  if (response === 'discard') return { status, headers, body: undefined }
  if (answer.isCut) {
    const advice = 'raise `maxResponseBytes`, or discard the response'
    throw new PermanentError(`${answerText(answer)}, which is of more than ${maxBytes} bytes; ${advice}`)
  }
  return { status, headers, body: response === 'text' ? text : jsonOf(answer) }
}

function jsonOf(answer: Answer): unknown {
  if (answer.text === '') return null
  try {
    return JSON.parse(answer.text)
  } catch (cause) {
    throw new PermanentError(`${answerText(answer)}, which is not JSON; read it as text, or discard the response`, {
      cause,
    })
  }
}

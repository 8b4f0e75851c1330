import { mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { systemClock } from '../../../../lib/clock.ts'
import { fakeHttp, type HttpReply, type HttpRequest, marbleMessages, res } from '../../../../lib/testing/index.ts'
import { postTo } from '../../../../operators/index.ts'
import { httpSuite } from '../../../operators/http.suite.ts'
import { marbles } from '../../../support/marbles.ts'

const url = 'http://127.0.0.1/mails'

const harness = async (serve: (request: HttpRequest) => HttpReply, error?: 'transient' | 'lost') => {
  const http = fakeHttp(systemClock, { serve })
  if (error !== undefined) http.replies({ '*': '#' }, { '#': http.errors[error] })
  return {
    url,
    fetch: http.fetch,
    // What is refused never reached a server.
    get requests() {
      return error === 'transient' ? [] : http.log.map(({ item }) => item)
    },
    close: () => {},
  }
}

httpSuite('the fake HTTP server', {
  serving: (serve) => harness(serve),
  refusing: () => harness(() => res(200), 'transient'),
  cutting: () => harness(() => res(200), 'lost'),
})

const values = { a: 'a', b: 'b' }

describe('the fake HTTP server in virtual time', () => {
  it(
    'has postTo wait as a drawn 429 says',
    marbles(({ scheduler, expectObservable }) => {
      const source = '  a------|'
      const expected = '- 3s -(a|)'
      const http = fakeHttp(scheduler)
      http.replies('-(1|)', '-(2|)', { 1: res(429, { 'Retry-After': '3' }), 2: res(200) })
      const { messages, acks } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe(expected, values)
      expectObservable(acks).toBe('- 3s -a')
    }),
  )

  it(
    'tells requests apart by the text that they post, or by a name that is given',
    marbles(({ scheduler, cold, expectObservable, flush }) => {
      const http = fakeHttp(scheduler, { name: ({ url }) => url })
      http.replies({ a: '---(r|)' })
      const answers = cold('ab', values).pipe(mergeMap((url) => http.fetch(url)))
      expectObservable(answers.pipe(mergeMap(({ status }) => [status]))).toBe('-x-x', { x: 200 })
      flush()
      expect(http.log.map(({ name }) => name)).toEqual(['a', 'b'])
      expect(fakeHttp(scheduler).takes(1).log).toEqual([])
    }),
  )
})

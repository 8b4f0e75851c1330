import { map, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { systemClock } from '../../../../lib/clock.ts'
import { fakeHttp, type HttpReply, type HttpRequest, kafkaTest, res } from '../../../../lib/testing/index.ts'
import { postTo } from '../../../../operators/index.ts'
import { httpSuite } from '../../../operators/http.suite.ts'

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

describe('the fake HTTP server in virtual time', () => {
  it(
    'has postTo wait as a drawn 429 says',
    kafkaTest(({ topic, http, expectOutput, expectCalls, expectAcks }) => {
      const messages = topic('0: a')
      http.replies('-(1|)', '-(2|)', { 1: res(429, { 'Retry-After': '3' }), 2: res(200) })
      expectOutput(messages.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('- 3s -a')
      expectCalls(http).toBe('a 3s a')
      expectAcks('0: - 3s -a')
    }),
  )

  it(
    'tells requests apart by the text that they post, or by a name that is given',
    kafkaTest(({ time, cold, expectOutput, expectCalls }) => {
      const http = fakeHttp(time.clock, { name: ({ url }) => url })
      http.replies({ a: '---(r|)' })
      const statuses = cold('ab').pipe(mergeMap((url) => http.fetch(url).pipe(map(({ status }) => ({ url, status })))))
      expectOutput(statuses).toBe('-x-y', { x: { url: 'b', status: 200 }, y: { url: 'a', status: 200 } })
      expectCalls(http).toBe('    ab')
    }),
  )

  it('gives itself when it is told how long it takes, and has been asked nothing yet', () => {
    expect(fakeHttp().takes(1).log).toEqual([])
  })
})

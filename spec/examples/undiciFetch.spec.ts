import { postTo } from 'rxjs-kafka-toolkit/operators'
import { MockAgent } from 'undici'
import { describe, expect, it } from 'vitest'
import { undiciFetch } from '../../examples/undiciFetch.ts'
import { throughOperator } from '../services/support/throughOperator.ts'

/** An Agent whose server answers so, and what it was asked. */
function answering(status: number, body: string, headers: Record<string, string> = {}) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const asked: unknown[] = []
  agent
    .get('https://mail.test')
    .intercept({ path: '/send?by=undici', method: 'POST' })
    .reply((request) => {
      asked.push(request)
      return { statusCode: status, data: body, responseOptions: { headers } }
    })
  return { fetch: undiciFetch(agent), asked }
}

const url = 'https://mail.test/send?by=undici'

describe('undiciFetch', () => {
  it('has postTo send by a pool of undici, and gives its answer', async () => {
    const { fetch, asked } = answering(200, '{"n":1}', { ETag: 'x' })
    const post = postTo(url, (user: string) => ({ user }), {
      fetch,
      into: (_user, { status, headers, body }) => [status, headers.get('etag'), headers.get('none'), body],
    })
    expect((await throughOperator(['ann'], post)).values).toEqual([[200, 'x', null, { n: 1 }]])
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'group/postTo/topic-0-0' }
    expect(asked).toMatchObject([{ method: 'POST', body: '{"user":"ann"}', headers }])
  })

  it('follows no redirect', async () => {
    const { fetch } = answering(302, '', { Location: 'https://elsewhere.test' })
    const { nacked } = await throughOperator(['ann'], postTo(url, String, { fetch }))
    expect(String(nacked.get(0))).toContain('redirects to "https://elsewhere.test" are not followed')
  })
})

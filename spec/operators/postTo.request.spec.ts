import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { text } from '../../lib/codec.ts'
import { messageOf } from '../../lib/errors.ts'
import { fork } from '../../lib/fork.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type NackPolicy, retry } from '../../lib/onNack.ts'
import { type FakeHttp, res } from '../../lib/testing/fakes/fakeHttp.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../lib/topic.ts'
import { flatMapValue } from '../../lib/values.ts'
import { type HttpTarget, type PostToOptions, postTo } from '../../operators/postTo/postTo.ts'
import { answer, askedHttp } from '../support/askedHttp.ts'
import { exactly } from '../support/exactly.ts'

const url = 'http://mail.example/send'

/** What comes of one message: what the server was asked, and why it was nacked, if it came to that. */
function sent<A>(value: A, options: PostToOptions<A> = {}, target: HttpTarget<A> = url) {
  const { fetch, asked } = askedHttp(() => of(answer(200)))
  const nacks: string[] = []
  const onNack: NackPolicy = ({ error }) => {
    nacks.push(messageOf(error))
    return { do: 'skip' }
  }
  kafkaTest(({ topic, expectOutput }) => {
    const post = postTo(target, (given: A) => given as unknown, { ...options, fetch })
    expectOutput(topic('0: a', { a: value }, { onNack }).pipe(post, ack()))
  })()
  return { asked: asked[0], nack: nacks[0] }
}

describe('the request of postTo', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('can be a %s', (method) => {
    expect(sent('x', { method }).asked).toMatchObject({ method, url, body: '"x"' })
  })

  it('refuses a method without a body', () => {
    expect(() => postTo(url, () => '', { method: 'GET' as never })).toThrow(
      'Expected `method` to be one of POST, PUT, PATCH, DELETE, got `GET` (string)',
    )
  })

  describe('with a body of its own', () => {
    it('has what `body` writes, and the Content-Type that `headers` say', () => {
      const form = { body: (user: unknown) => `user=${user}`, headers: { 'Content-Type': 'text/x-form' } }
      expect(sent('ann', form).asked).toMatchObject({ body: 'user=ann', headers: { 'Content-Type': 'text/x-form' } })
      expect(sent('ann', { body: () => 'plain' }).asked?.headers).not.toHaveProperty('Content-Type')
      expect(sent('ann', { body: () => Uint8Array.of(1, 2) }).asked?.body).toEqual(Uint8Array.of(1, 2))
    })

    it('is nacked when that is neither text nor bytes', () => {
      expect(sent('ann', { body: () => ({ user: 'ann' }) as never })).toEqual({
        asked: undefined,
        nack: 'Expected the body of postTo to be text or bytes, got {"user":"ann"}; see to it in `body`',
      })
    })
  })

  it('is nacked when its body is longer than `maxRequestBytes`, in UTF-8', () => {
    expect(sent('ää', { maxRequestBytes: 6 }).nack).toBeUndefined()
    expect(sent('ää', { maxRequestBytes: 5 })).toEqual({
      asked: undefined,
      nack: 'Expected the body of postTo to be of 5 bytes at most, got 6; send less, or raise `maxRequestBytes`',
    })
    expect(sent('x'.repeat(1_048_574)).nack).toBeUndefined()
    expect(sent('x'.repeat(1_048_575)).nack).toMatch(/of 1048576 bytes at most, got 1048577/)
  })

  describe('to a URL of the message', () => {
    const hooks = (allow: readonly string[]): HttpTarget<string> => ({ url: (value) => value, allow })

    it.each([
      ['https://hooks.example/a?b=c', ['https://hooks.example']],
      ['https://hooks.example/', ['HOOKS.example']],
      ['https://hooks.example/', ['other.example', 'hooks.example']],
      ['http://localhost:8080/a', ['http://localhost:8080']],
      ['https://hooks.example:8443/', ['hooks.example:8443']],
      ['https://hooks.example:443/', ['hooks.example']],
      ['HTTPS://Hooks.Example/', ['hooks.example']],
    ])('goes to %s where %j are allowed', (to, allow) => {
      expect(sent(to, {}, hooks(allow)).asked?.url).toBe(new URL(to).href)
    })

    it.each([
      ['https://evil.example/x?token=1', 'https://evil.example/x'],
      ['https://hooks.example.evil.example/', 'https://hooks.example.evil.example/'],
      ['https://evil-hooks.example/', 'https://evil-hooks.example/'],
      ['https://hooks.example@evil.example/', 'https://evil.example/ with a user or password'],
      ['https://user:secret@hooks.example/', 'https://hooks.example/ with a user or password'],
      ['https:\\\\evil.example\\@hooks.example', 'https://evil.example/@hooks.example'],
      ['http://hooks.example/', 'http://hooks.example/'],
      ['https://hooks.example:8443/', 'https://hooks.example:8443/'],
      ['http://169.254.169.254/latest/meta-data', 'http://169.254.169.254/latest/meta-data'],
      ['blob:https://hooks.example/x', '"blob:https://hooks.example/x"'],
      ['file:///etc/passwd', '"file:///etc/passwd"'],
      ['//hooks.example/', '"//hooks.example/"'],
      ['', '""'],
    ])('never goes to %s, which nacks the message', (to, got) => {
      expect(sent(to, {}, hooks(['https://hooks.example']))).toEqual({
        asked: undefined,
        nack: `Expected the url of postTo to be at https://hooks.example, got ${got}; see to it in the selector, or put its origin into \`allow\``,
      })
    })

    it('has to say where it may go, when the pipe is built', () => {
      const built = (allow: unknown) => () => postTo(hooks(allow as string[]), (value) => value)
      expect(built([])).toThrow('Expected `allow` to be a list of origins')
      expect(built('hooks.example')).toThrow('Expected `allow` to be a list of origins')
      for (const entry of ['*', '*.example', 'https://hooks.example/path', 'ftp://hooks.example', '', 7])
        expect(built([entry])).toThrow('Expected `allow` to be a list of origins, such as https://hooks.example')
      expect(() => postTo({ url: 'https://x.example' as never, allow: ['x.example'] }, String)).toThrow(
        'Expected `url` to be a function, beside `allow`',
      )
      expect(() => postTo({ url: () => '' } as never, String)).toThrow('allow: [origins] }, got')
    })
  })

  describe('with headers', () => {
    it.each([
      ['a line break', 'x\r\nX-Admin: 1', 'U+000D at 1'],
      ['a NUL', 'x\0', 'U+0000 at 1'],
      ['what is not Latin-1', 'to 👩', 'U+1F469 at 3'],
      ['a space that would be lost', 'x ', 'U+0020 at 1'],
      ['nothing', undefined, 'undefined'],
      ['null', null, 'null'],
      ['a number', 1, 'number'],
    ])('that have %s is nacked, without a word of the text', (_name, text, got) => {
      expect(sent('ann', { headers: () => ({ 'X-User': text as string }) })).toEqual({
        asked: undefined,
        nack: `Expected header "X-User" of postTo to be one line of Latin-1 text without spaces around it, got ${got}; see to it in the selector`,
      })
    })

    it.each([
      ['X User', 'Expected the name of header "X User" of postTo to be of letters, digits and hyphens'],
      ['', 'Expected the name of header "" of postTo to be'],
      ['X:\r\nY', 'Expected the name of header "X:\\r\\nY" of postTo to be'],
      ['Content-Length', 'Expected no header "Content-Length" of postTo: it is up to fetch'],
      ['transfer-encoding', 'Expected no header "transfer-encoding" of postTo: it is up to fetch'],
    ])('named %j is nacked, and refused at once where they are always the same', (name, text) => {
      const headers = { [name]: 'x' }
      expect(sent('ann', { headers: () => headers }).nack).toContain(text)
      expect(() => postTo(url, String, { headers })).toThrow(text)
    })

    it('named __proto__ has it', () => {
      const headers = () => Object.fromEntries([['__proto__', 'x']])
      expect(Object.entries(sent('ann', { headers }).asked?.headers ?? {})).toContainEqual(['__proto__', 'x'])
    })
  })

  describe('by its Idempotency-Key', () => {
    const keysOf = ({ log }: FakeHttp) => log.map(({ item: { headers } }) => headers['idempotency-key'])

    it(
      'is another for each child, and each branch of a fork',
      kafkaTest(({ topic, http, expectOutput, expectAcks, flush }) => {
        const post = () => postTo(url, String, { fetch: http.fetch })
        const parts = flatMapValue((all: readonly string[]) => all)
        expectOutput(topic('0: a', { a: ['x', 'y'] }).pipe(parts, fork(post(), post()), ack())).toBe('(xxyy)')
        expectAcks('0: a')
        flush()
        const ids = ['0.0', '0.1', '1.0', '1.1'].map((child) => `group/postTo/topic-0-0.${child}`)
        expect(keysOf(http).sort()).toEqual(ids)
      }),
    )

    it(
      'is another for each group and name, whatever is in them',
      kafkaTest(({ topic, kafka, http, expectOutput, flush }) => {
        const notes = topicOf('notes', text)
        const post = (name: string) => postTo(url, String, { fetch: http.fetch, name })
        topic(notes, '0: x')
        expectOutput(fromTopic(kafka, notes, { groupId: 'a' }).pipe(post('b/c'), post('b'), ack())).toBe('x')
        expectOutput(fromTopic(kafka, notes, { groupId: 'a/b' }).pipe(post('c'), ack())).toBe('x')
        flush()
        expect(new Set(keysOf(http)).size).toBe(3)
      }),
    )

    it(
      'is the same when the source delivers its message again',
      kafkaTest(({ topic, http, expectOutput, expectRedeliveries, flush }) => {
        http.replies('(n|)', { n: res(400) })
        const onNack = retry({ attempts: 2, delay: 5, jitter: 'none' })
        const notes = topic('notes', '0: x', {}, { onNack })
        expectOutput(notes.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('-----x')
        expectRedeliveries('0: -----x')
        flush()
        expect(keysOf(http)).toEqual(Array(2).fill('group/postTo/notes-0-0'))
      }),
    )

    it(
      'is not shared by two in one pipe: the second ends the stream, though nacked messages are skipped',
      kafkaTest(({ topic, http, expectOutput, flush }) => {
        const post = () => postTo(url, String, { fetch: http.fetch })
        const message =
          'Cannot process topic[0]@0: Expected one postTo named "postTo" in the pipe, got two: with the same Idempotency-Key "group/postTo/topic-0-0" the receiver would take the second request for a repetition; give each a `name`'
        const messages = topic('0: ab', {}, { onNack: 'skip' })
        expectOutput(messages.pipe(post(), post(), ack())).toBe('#', {}, exactly(message))
        flush()
        expect(keysOf(http)).toEqual(['group/postTo/topic-0-0'])
      }),
    )

    it(
      'is another for each of two in one pipe that have names',
      kafkaTest(({ topic, http, expectOutput, flush }) => {
        const post = (name: string) => postTo(url, String, { fetch: http.fetch, name })
        expectOutput(topic('0: a').pipe(post('first'), post('second'), ack())).toBe('a')
        flush()
        expect(keysOf(http)).toEqual(['first', 'second'].map((name) => `group/${name}/topic-0-0`))
      }),
    )
  })
})

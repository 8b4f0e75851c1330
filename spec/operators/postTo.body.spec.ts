import { PassThrough } from 'node:stream'
import { of, Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { readBody } from '../../operators/postTo/body.ts'

/** What is read, or the text of the error. */
const readAll = (body: Parameters<typeof readBody>[0], maxBytes = 100) =>
  new Promise((resolve) => {
    const reading = new Subscription()
    const end = (heard: unknown) => {
      resolve(heard)
      reading.unsubscribe()
    }
    reading.add(readBody(body, maxBytes, end, (error) => end((error as Error).message)))
  })

const streamOf = (...chunks: string[]) => {
  const stream = new PassThrough()
  for (const chunk of chunks) stream.write(chunk)
  return stream
}

describe("an answer's body", () => {
  it('is read to its end, whatever gives it', async () => {
    const whole = { text: 'Zürich', isCut: false }
    const bytes = Buffer.from('Zürich')
    expect(await readAll(null)).toEqual({ text: '', isCut: false })
    expect(await readAll(of(bytes.subarray(0, 2), bytes.subarray(2)))).toEqual(whole)
    expect(await readAll(streamOf('Zü', 'rich').end())).toEqual(whole)
  })

  it('is read as far as it may be', async () => {
    const stream = streamOf('abc', 'def', 'ghi')
    expect(await readAll(stream, 5)).toEqual({ text: 'abcde', isCut: true })
    expect(stream.listenerCount('data')).toBe(0)
  })

  it('is none when its stream fails, or closes before its end', async () => {
    const failing = streamOf('abc')
    const closing = streamOf('abc')
    const read = Promise.all([readAll(failing), readAll(closing)])
    failing.destroy(new Error('reset'))
    closing.destroy()
    expect(await read).toEqual(['reset', 'the answer ended early'])
  })

  it('throws nothing once nobody reads it any more', () => {
    const stream = streamOf('abc')
    const reading = new Subscription()
    const ignore = () => {}
    reading.add(readBody(stream, 100, ignore, ignore))
    reading.unsubscribe()
    expect(() => stream.emit('error', new Error('aborted'))).not.toThrow()
  })
})

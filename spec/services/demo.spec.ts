import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'

/** Runs the demo as `npm start` does. */
async function demo(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const args = ['--import', 'tsx', 'examples/demo/main.ts', ...words]
  const child = spawn(process.execPath, args, { env: { ...process.env, ...environment } })
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, lines: output.trimEnd().split('\n'), errors }
}

const few = ['--messages', '400', '--seconds', '1', '--json']
const books = { produced: 1600, processed: 1594, deadLettered: 6, lost: 0, wrong: 0, repeated: 0, committed: true }

describe('npm start', () => {
  it('ends by itself with balanced books on servers inside the process', async () => {
    const { code, lines, errors } = await demo(few)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ ...books, services: false })
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
  })

  it('ends by itself with balanced books on the real servers', async () => {
    const { code, lines, errors } = await demo([...few, '--services'])
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ ...books, services: true })
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
  })

  it('names the servers that can not be reached, and how to start them', async () => {
    const nowhere = { KAFKA_BROKERS: '127.0.0.1:1', ES_URL: 'http://127.0.0.1:2' }
    const { code, errors } = await demo(['--services'], nowhere)
    expect(code).toBe(1)
    expect(errors).toBe(
      'Cannot reach Kafka at kafka://127.0.0.1:1, Elasticsearch at http://127.0.0.1:2: start the servers by npm run services -- up\n',
    )
  })
})

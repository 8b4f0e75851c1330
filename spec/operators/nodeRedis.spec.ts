import { firstValueFrom, from } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { nodeRedis, type RedisReplies } from '../../operators/zaddTo/zaddTo.ts'

const repliesOf = (client: Parameters<typeof nodeRedis>[0], ...commands: (string | number)[][]) =>
  firstValueFrom(from(nodeRedis(client).pipeline(commands).exec())) as Promise<RedisReplies>

describe('nodeRedis', () => {
  it('sends each command as text, and pairs its reply or its error', async () => {
    const sent: string[][] = []
    const sendCommand = async (words: string[]) => {
      if (words[1] === 'bad') throw new Error('WRONGTYPE Operation against a key')
      return sent.push(words)
    }
    const replies = await repliesOf(
      { sendCommand },
      ['zadd', 'a', 1, 'x'],
      ['zadd', 'bad', 1, 'x'],
      ['zadd', 'b', 2.5, 'y'],
    )
    expect(sent).toEqual([
      ['zadd', 'a', '1', 'x'],
      ['zadd', 'b', '2.5', 'y'],
    ])
    expect(replies).toMatchObject([
      [null, 1],
      [{ name: 'ReplyError', message: 'WRONGTYPE Operation against a key' }],
      [null, 2],
    ])
  })

  it('leaves an error that is not the server’s as it is, also one that is thrown at once', async () => {
    const closed = new Error('The client is closed')
    const sendCommand = () => {
      throw closed
    }
    expect(await repliesOf({ sendCommand }, ['zadd', 'a', 1, 'x'])).toEqual([[closed]])
  })

  it('tells a cluster the first key, which stands behind the number of keys in a script', async () => {
    const sent: unknown[] = []
    const cluster = {
      masters: [],
      sendCommand: async (key: string | undefined, isReadonly: boolean, [name]: string[]) => {
        sent.push([name, key, isReadonly])
      },
    }
    await repliesOf(cluster, ['zadd', 'a', 1, 'x'], ['eval', 'return 1', 2, 'b', 'c'])
    expect(sent).toEqual([
      ['zadd', 'a', false],
      ['eval', 'b', false],
    ])
  })
  it('can not wait for replicas in a cluster, and says so', async () => {
    const cluster = { masters: [], sendCommand: async () => 1 }
    const [[written], [error]] = (await repliesOf(cluster, ['zadd', 'a', 1, 'x'], ['wait', 1, 10])) as never as [
      Error[],
      Error[],
    ]
    expect(written).toBeNull()
    expect(error).toEqual(new TypeError('node-redis can not `waitReplicas` in a cluster; leave it out'))
  })
})

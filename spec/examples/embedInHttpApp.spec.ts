import type { Server } from 'node:http'
import { map } from 'rxjs'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it, vi } from 'vitest'
import { embedInHttpApp } from '../../examples/embedInHttpApp.ts'

const activity = (message: string) => ({ user: 'ada', message, timestamp: '2026-01-05T14:30:00.000Z' })
const activities = { a: activity('a'), b: activity('b'), c: activity('c') }

/** What the app answers: asked without a socket. */
function get(server: Server, url: string): { status: number; body: string } {
  const answer = { status: 200, body: '' }
  const response = {
    writeHead: (status: number) => {
      answer.status = status
      return response
    },
    end: (body: string) => {
      answer.body = body
    },
  }
  server.emit('request', { url }, response)
  return answer
}

describe('embedInHttpApp', () => {
  it(
    'answers /health from the run, and everything else as before',
    kafkaTest(({ topic, kafka, redis, hot, expectOutput }) => {
      topic(
        'feed_activities',
        `
          0:   -a-------b
          ctl: -----P--B
        `,
        activities,
      )
      const { server, stop } = embedInHttpApp(kafka, redis.takes(2))
      const health = (lag: number, trouble: string | null = null) => ({
        status: trouble === null ? 200 : 503,
        body: JSON.stringify([{ groupId: 'save-activities', state: 'reading', lag, trouble }]),
      })
      const asked = hot('--x-x-x-----x', { x: '/health' }).pipe(map((url) => get(server, url)))
      const away = 'Cannot read as group save-activities: the memory broker is down; call up()'
      expectOutput(asked).toBe('--1-0-2-----1', { 0: health(0), 1: health(1), 2: health(0, away) })
      expectOutput(hot('--x', { x: '/' }).pipe(map((url) => get(server, url).body))).toBe('--x', {
        x: 'Here is the rest of the app',
      })
      hot('----- 300ms x').subscribe(() => void stop())
    }),
  )

  it(
    'leaves signals to the app, whose end finishes what is under way, commits it and reads no more',
    kafkaTest(({ topic, kafka, redis, hot, expectCalls, expectCommits, expectOutput, expectState }) => {
      const listeners = () => [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]
      const [interrupts = 0, ends = 0] = listeners()
      topic('feed_activities', '0: ab-c', activities)
      const { server, stop } = embedInHttpApp(kafka, redis.takes(4))
      expect(listeners()).toEqual([interrupts, ends + 1])
      hot('--x').subscribe(() => void stop())
      expectCalls(redis).toBe('ab')
      expectCommits('       0: -----2')
      expectState('            r-d--c')
      const asked = hot('-x-----x').pipe(map(() => get(server, '/health').status))
      expectOutput(asked).toBe('-w-----e', { w: 200, e: 503 })
      hot('-------x').subscribe(() => expect(listeners()).toEqual([interrupts, ends]))
    }),
  )

  it(
    'lives on when the pipeline fails, and says so',
    kafkaTest.async(async ({ topic, kafka, redis, expectCalls, expectCommits, flush }) => {
      const said = vi.spyOn(console, 'error').mockReturnValue()
      topic('feed_activities', '0: -ax', { ...activities, x: Buffer.from('no activity') })
      const { server, stop } = embedInHttpApp(kafka, redis)
      expectCalls(redis).toBe('-a')
      expectCommits('       0: -1')
      await flush()
      expect(get(server, '/').status).toBe(200)
      expect(get(server, '/health')).toMatchObject({
        status: 503,
        body: expect.stringContaining('"state":"closed"'),
      })
      expect(said.mock.lastCall).toEqual([expect.stringContaining('Cannot process feed_activities[0]@1')])
      said.mockRestore()
      await stop()
    }),
  )
})

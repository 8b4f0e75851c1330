import type { Server } from 'node:http'
import { memoryBroker } from 'rxjs-kafka-toolkit'
import { describe, expect, it, vi } from 'vitest'
import { embedInHttpApp } from '../../examples/embedInHttpApp.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const redis = { pipeline: (batch: unknown[]) => ({ exec: async () => batch.map(() => [null, 1] as const) }) }

function app() {
  const clock = virtualTime()
  const kafka = memoryBroker({ clock, topics: { feed_activities: 2 } })
  return { clock, kafka, ...embedInHttpApp(kafka, redis) }
}

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
  it('answers /health from the run, and everything else as before', () => {
    const { server, clock, kafka } = app()
    advance(clock, 10)
    expect(get(server, '/').body).toBe('Here is the rest of the app')
    expect(get(server, '/health')).toEqual({
      status: 200,
      body: '[{"groupId":"save-activities","state":"reading","lag":0,"trouble":null}]',
    })
    kafka.down()
    advance(clock, 20)
    expect(get(server, '/health').status).toBe(503)
  })

  it('leaves signals to the app, whose end drains the pipeline', async () => {
    const before = process.listenerCount('SIGINT')
    const { server, clock, stop } = app()
    expect(process.listenerCount('SIGINT')).toBe(before)
    advance(clock, 10)
    const stopped = stop()
    advance(clock, 20)
    await stopped
    expect(get(server, '/health')).toMatchObject({ status: 503, body: expect.stringContaining('"state":"closed"') })
  })

  it('lives on when the pipeline fails, and says so', async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    const { server, clock, kafka } = app()
    kafka.send([{ topic: 'feed_activities', key: null, value: 'no activity' }], () => {})
    advance(clock, 10)
    expect(get(server, '/').status).toBe(200)
    expect(get(server, '/health').status).toBe(503)
    await vi.waitFor(() => expect(said).toHaveBeenCalled())
    expect(said.mock.lastCall).toEqual([expect.stringContaining('Cannot process feed_activities[0]@0')])
    said.mockRestore()
  })
})

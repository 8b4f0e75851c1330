import { connect } from 'node:net'

/** Sends `request` to a local port; resolves to the first bytes of the answer, or undefined when there is none within a second. */
export function ask(port: number, request: string | Uint8Array): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    const finish = (answer?: Buffer): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, () => finish())
    socket.once('data', finish)
    socket.once('error', () => finish())
    socket.once('close', () => finish())
  })
}

/** Whether some process accepts connections on a local port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const finish = (listening: boolean): void => {
      socket.destroy()
      resolve(listening)
    }
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })
}

/** Resolves to the JSON that an URL answers with a status of success, or undefined. */
export async function readJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    const body: unknown = await response.json()
    return response.ok ? body : undefined
  } catch {
    return undefined
  }
}

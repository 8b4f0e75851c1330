import type { Position } from '../../lib/broker.ts'
import { type Api, apiOf } from './apis.ts'
import { Cursor } from './cursor.ts'

/** What a request says of itself. */
export interface RequestHead {
  /** undefined for a request that is left alone */
  readonly api: Api | undefined
  readonly version: number
  readonly correlationId: number
}

/** An offset commit as it went over the wire. */
export interface CommitRequest {
  readonly generation: number
  readonly memberId: string
  readonly offsets: readonly Position[]
}

/** Size, api key, api version, correlation id. */
const HEAD = 12

/** @param frame a whole request, its size first */
export function headOf(frame: Buffer): RequestHead {
  const cursor = new Cursor(frame, 4)
  return { api: apiOf(cursor.int16()), version: cursor.int16(), correlationId: cursor.int32() }
}

/** Reads an OffsetCommit request. @throws Error for a version whose layout is not known here */
export function commitOf(frame: Buffer, version: number): CommitRequest {
  if (version !== 5) throw new Error(`Cannot read an OffsetCommit request: expected version 5, got ${version}`)
  const cursor = new Cursor(frame, HEAD)
  cursor.text() // client id
  cursor.text() // group
  const [generation, memberId] = [cursor.int32(), cursor.text()]
  const offsets = cursor.array(() => {
    const topic = cursor.text()
    return cursor.array(() => {
      const [partition, offset] = [cursor.int32(), cursor.int64()]
      cursor.text() // metadata
      return { topic, partition, offset }
    })
  })
  return { generation, memberId, offsets: offsets.flat() }
}

/** Requests of which the number after the group's name is one that the broker checks: a generation or a session timeout. */
const CHECKED: readonly Api[] = ['OffsetCommit', 'Heartbeat', 'JoinGroup', 'SyncGroup']
const WRONG = 0x7ffffff0

/** Has the broker refuse a request, so that one that is answered with an error did nothing. */
export function spoil(frame: Buffer, api: Api): void {
  if (!CHECKED.includes(api)) return
  const cursor = new Cursor(frame, HEAD)
  cursor.text() // client id
  cursor.text() // group
  frame.writeInt32BE(WRONG, cursor.at)
}

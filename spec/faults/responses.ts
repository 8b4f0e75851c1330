import type { Api } from './apis.ts'
import { Cursor } from './cursor.ts'

/** Where the error codes of a response are, and which versions have them there. */
interface Layout {
  readonly versions: readonly [from: number, to: number]
  /** Moves the cursor over the response, and gives the places of its error codes. */
  places(cursor: Cursor, version: number): number[]
}

/** Size and correlation id. */
const HEAD = 8

/** `throttle_time_ms error_code …` */
const first = (from: number, to: number): Layout => ({ versions: [from, to], places: ({ at }) => [at + 4] })

/** As KafkaJS 2.2.4 asks and Kafka 2.0 and later answer: KafkaJS's `protocol/requests` has each layout in words. */
const LAYOUTS: Readonly<Record<Api, Layout>> = {
  Heartbeat: first(1, 3),
  JoinGroup: first(2, 5),
  SyncGroup: first(1, 3),
  FindCoordinator: first(1, 2),
  OffsetCommit: {
    versions: [3, 5],
    places: (cursor) => {
      cursor.skip(4) // throttle
      return topics(cursor, () => {
        cursor.skip(4) // partition
        return code(cursor)
      })
    },
  },
  OffsetFetch: {
    versions: [3, 4],
    places: (cursor) => {
      cursor.skip(4) // throttle
      const partitions = topics(cursor, () => {
        cursor.skip(12) // partition, offset
        cursor.text() // metadata
        return code(cursor)
      })
      // The group's own code comes last.
      return [...partitions, code(cursor)]
    },
  },
  Fetch: {
    versions: [7, 11],
    places: (cursor, version) => {
      cursor.skip(10) // throttle, error of the fetch session, its id
      return topics(cursor, () => fetchedPartition(cursor, version))
    },
  },
}

/**
 * Puts an error code in the place of each of a response.
 *
 * @param frame a whole response, its size first; changed in place
 * @returns whether it had a place for one
 * @throws Error for a version whose layout is not known here
 */
export function putError(frame: Buffer, api: Api, version: number, error: number): boolean {
  const places = errorPlaces(frame, api, version)
  for (const place of places) frame.writeInt16BE(error, place)
  return places.length > 0
}

/** The error codes of a response. */
export function errorsOf(frame: Buffer, api: Api, version: number): readonly number[] {
  return errorPlaces(frame, api, version).map((place) => frame.readInt16BE(place))
}

function errorPlaces(frame: Buffer, api: Api, version: number): number[] {
  const { versions, places } = LAYOUTS[api]
  const [from, to] = versions
  if (version < from || version > to)
    throw new Error(`Cannot read a response to ${api}: expected version ${from} to ${to}, got ${version}`)
  return places(new Cursor(frame, HEAD), version)
}

function topics(cursor: Cursor, partition: () => number): number[] {
  const places = cursor.array(() => {
    cursor.text()
    return cursor.array(partition)
  })
  return places.flat()
}

function fetchedPartition(cursor: Cursor, version: number): number {
  cursor.skip(4) // partition
  const place = code(cursor)
  cursor.skip(24) // high watermark, last stable offset, start of the log
  cursor.array(() => cursor.skip(16)) // aborted transactions
  if (version >= 11) cursor.skip(4) // preferred replica
  cursor.skipBytes() // records
  return place
}

/** The place of an error code, which is skipped. */
function code(cursor: Cursor): number {
  cursor.skip(2)
  return cursor.at - 2
}

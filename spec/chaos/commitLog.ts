import type { Kafka } from 'kafkajs'
import { readLog } from './log.ts'

/** One commit of the group, as the broker has written it. */
export interface Commit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since 1970 */
  readonly at: number
}

/** Reads every commit that the broker took from a group, in order: nothing that was undone soon after escapes. */
export async function commitsOf(kafka: Kafka, group: string): Promise<readonly Commit[]> {
  const commits: Commit[] = []
  await readLog(kafka, '__consumer_offsets', (_, { key, value, timestamp }) => {
    if (key === null || value === null) return
    const place = readKey(key)
    // After its version a value begins with the offset.
    if (place?.group === group)
      commits.push({ ...place, offset: Number(value.readBigInt64BE(2)), at: Number(timestamp) })
  })
  return commits
}

/** Of Kafka's `OffsetCommitKey`: versions 0 and 1; 2 and above are keys of other things. */
function readKey(key: Buffer): { group: string; topic: string; partition: number } | undefined {
  if (key.readInt16BE(0) > 1) return undefined
  let at = 2
  const readText = () => {
    const length = key.readInt16BE(at)
    at += 2 + length
    return key.toString('utf8', at - length, at)
  }
  const group = readText()
  const topic = readText()
  return { group, topic, partition: key.readInt32BE(at) }
}

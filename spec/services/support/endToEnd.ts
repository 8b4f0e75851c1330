import { kafkajs, run } from 'rxjs-kafka-toolkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RealKafka } from './kafka.ts'
import { realPipeline } from './pipelines.ts'
import { printedSeed } from './seeded.ts'
import { writeTopic } from './topicLog.ts'
import { until } from './until.ts'
import { type Example, type UseCase, useCase } from './useCase.ts'

const COUNT = 10_000
const PARTITIONS = 4

/** Runs an example over 10,000 messages on real servers and compares all that it brought about. */
export function endToEndSuite(example: Example): void {
  describe(`${example} on real servers`, () => {
    let real: RealKafka
    let made: UseCase

    beforeAll(async () => {
      real = await RealKafka.connect()
      made = await useCase(real, example, { seed: printedSeed(), count: COUNT, partitions: PARTITIONS, latency: 0 })
      await writeTopic(real, made.input, made.messages)
      await runToTheEnd(real, example, made)
    })

    afterAll(async () => {
      await made?.close()
      await real.close()
    })

    it('brings about what the data say, and nothing else', async () => {
      expect(await made.actual()).toEqual(made.expected)
    })

    it('takes effect once for each message', async () => {
      const effects = await made.effects([])
      expect([...effects].filter(([, times]) => times !== 1)).toEqual([])
    })

    it('commits the end offset of every partition', async () => {
      const ends = await real.endOffsets(made.input)
      expect([...ends.values()].filter((end) => end > 0)).toHaveLength(PARTITIONS)
      expect([...ends.values()].reduce((sum, end) => sum + end)).toBe(COUNT)
      expect(await real.committed(made.groupId, made.input)).toEqual(ends)
    })
  })
}

/** Drains when all is committed. */
async function runToTheEnd(real: RealKafka, example: Example, { prefix, input, groupId, place }: UseCase) {
  const broker = kafkajs(real.kafka)
  const { pipeline, close } = realPipeline(broker, { example, place, options: { prefix }, latency: 0 })
  const running = run(broker, pipeline, { signals: false })
  const ended = running.closed.then(() => true)
  const ends = await real.endOffsets(input)
  const isDone = () => running.health().every(({ partitions }) => partitions.length > 0 && partitions.every(isRead))
  await Promise.race([ended, until(`${groupId} has committed ${[...ends.values()]}`, isDone)])
  await running.drain()
  await close()
}

function isRead({ next, highWatermark, committed }: { next: number; highWatermark: number; committed: number | null }) {
  return next === highWatermark && committed === highWatermark
}

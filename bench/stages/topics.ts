import type { Stage, StageSet } from './stages.ts'

/** Topics that a run writes a message to for each message. */
export async function topicsStage({ topics, topic: { prefix } }: StageSet, count: number): Promise<Stage> {
  const outs = Array.from({ length: count }, (_, i) => `${prefix}out-${i}`)
  for (const out of outs) await topics.createNamed(out, 4)
  const before = new Map(outs.map((out) => [out, 0]))
  return {
    place: { outs },
    expectDone: async (messages) => {
      for (const out of outs) {
        const size = await topics.sizeOf(out)
        const written = size - (before.get(out) as number)
        before.set(out, size)
        if (written !== messages) throw new Error(`Expected ${messages} messages in ${out}, found ${written}`)
      }
    },
    close: async () => {},
  }
}

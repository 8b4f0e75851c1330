import type { Stage, StageSet } from './stages.ts'

/** Topics that a run writes a message to for each message. */
export async function topicsStage({ topics, topic: { prefix } }: StageSet, names: readonly string[]): Promise<Stage> {
  const outs = names.map((name) => prefix + name)
  const before = new Map<string, number>()
  for (const out of outs) {
    await topics.createNamed(out, 4)
    before.set(out, await topics.sizeOf(out))
  }
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

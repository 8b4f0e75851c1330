import { setTimeout as sleep } from 'node:timers/promises'
import type { Exit, Member } from './member.ts'
import type { Fault, FaultName } from './plan.ts'
import { GROUP, type Stage } from './stage.ts'

type Act = (stage: Stage, fault: Fault) => Promise<void>

/** A member that is asked to end has so long for what is in flight, its commit and its leave, in ms. */
const DWELL = 15_000
/** One that has not ended by then never will, in ms. */
const GIVE_UP = 60_000
const MAX_PARTITIONS = 12

/** Puts one fault into effect, and resolves when what it changed is as before. */
export function act(stage: Stage, fault: Fault): Promise<void> {
  return acts[fault.name](stage, fault)
}

const acts: Readonly<Record<FaultName, Act>> = {
  kill: async (stage, { slot, lasts }) => {
    const member = stage.at(slot)
    if (member === undefined) return
    const outage = stage.outages.begin('kill', slot)
    await member.kill()
    stage.outages.end(outage)
    await stage.sleep(lasts)
    stage.start(slot)
  },

  freeze: async (stage, { slot, lasts }) => {
    const member = stage.at(slot)
    if (member === undefined) return
    const outage = stage.outages.begin('freeze', slot)
    member.freeze()
    await stage.sleep(lasts)
    member.thaw()
    stage.outages.end(outage)
  },

  restart: async (stage, { slot, lasts }) => {
    const member = stage.at(slot)
    if (member === undefined) return
    await endInOrder(stage, member)
    await stage.sleep(lasts)
    stage.start(slot)
  },

  storm: async (stage) => {
    const { members } = stage.options
    const joined = await Promise.all(
      Array.from({ length: stage.slots - members }, async (_, at) => {
        await stage.sleep(at * 700)
        return stage.start(members + at)
      }),
    )
    await stage.sleep(2500)
    for (const member of joined) {
      await endInOrder(stage, member)
      await stage.sleep(300)
    }
  },

  cut: (stage, fault) =>
    overNetwork(stage, fault, (wire) => {
      wire.cut()
      return () => wire.mend()
    }),

  hold: (stage, fault) =>
    overNetwork(stage, fault, (wire) => {
      wire.hold()
      return () => wire.mend()
    }),

  'half-open': (stage, fault) =>
    overNetwork(stage, fault, (wire) => {
      wire.hold()
      return () => {
        wire.drop()
        wire.mend()
      }
    }),

  slow: (stage, fault) =>
    overNetwork(stage, fault, (wire) => {
      wire.slow()
      return () => wire.mend()
    }),

  'kill broker': (stage, { lasts }) => withoutBroker(stage, lasts, () => stage.broker.kill()),

  'restart broker': (stage, { lasts }) => withoutBroker(stage, lasts, () => stage.broker.stop()),

  'add partitions': async (stage) => {
    const topic = stage.topics.find(({ name }) => name === 'plain')
    if (topic === undefined || topic.partitions >= MAX_PARTITIONS || !stage.broker.isUp) return
    const count = topic.partitions + 2
    await stage.admin.createPartitions({ topicPartitions: [{ topic: topic.name, count }] })
    await stage.sleep(1000)
    topic.partitions = count
  },

  'delete records': async (stage) => {
    if (!stage.broker.isUp) return
    const [committed] = await stage.admin.fetchOffsets({ groupId: GROUP, topics: ['plain'] })
    // Below what is committed nobody misses them.
    const partitions = (committed?.partitions ?? []).filter(({ offset }) => Number(offset) > 0)
    if (partitions.length > 0) await stage.admin.deleteTopicRecords({ topic: 'plain', partitions })
  },

  'delete unread': async (stage) => {
    if (!stage.broker.isUp) return
    const ends = await stage.admin.fetchTopicOffsets('trimmed')
    const partitions = ends
      .filter(({ high }) => Number(high) > 0)
      .map(({ partition, high: offset }) => ({ partition, offset }))
    // What nobody has done by now is lost on purpose.
    for (const { partition, offset } of partitions) stage.books.of('trimmed', partition).deletedBelow = Number(offset)
    if (partitions.length > 0) await stage.admin.deleteTopicRecords({ topic: 'trimmed', partitions })
  },
}

async function overNetwork(
  stage: Stage,
  { slot, lasts }: Fault,
  disturb: (proxy: Stage['wires'][number]) => () => void,
): Promise<void> {
  const outage = stage.outages.begin('network', slot)
  const mend = disturb(stage.wires[slot] as Stage['wires'][number])
  await stage.sleep(lasts)
  mend()
  stage.outages.end(outage)
}

async function withoutBroker(stage: Stage, lasts: number, end: () => Promise<void>): Promise<void> {
  const outage = stage.outages.begin('broker', undefined)
  await end()
  // The system takes a moment to close the ports of a killed process.
  await stage.sleep(500 + lasts)
  await stage.broker.start()
  stage.outages.end(outage)
}

/** Asks a member to end, and sees that it does so in time and by itself. */
export async function endInOrder(stage: Stage, member: Member): Promise<void> {
  const since = Date.now()
  const exit = await Promise.race([member.end(), sleep(GIVE_UP, undefined, { ref: false })])
  const took = Date.now() - since
  if (exit === undefined) {
    stage.violate(
      `member ${member.name} did not end ${GIVE_UP} ms after SIGTERM: ${member.lastWords || lastTold(member)}`,
    )
    await member.kill()
  } else if (!isInOrder(exit) && !isBeforeItBegan(member, exit)) {
    stage.violate(
      `member ${member.name} ended with ${exit.code ?? exit.signal} after SIGTERM: ${member.lastWords || lastTold(member)}`,
    )
  } else if (took > DWELL && !stage.outages.isRecent(took, member.slot)) {
    stage.violate(`member ${member.name} took ${took} ms to end after SIGTERM, with nothing in its way`)
  }
}

function isInOrder({ code, signal }: Exit): boolean {
  return code === 0 && signal === null
}

/** A signal ends a process that has no ear for it yet. */
function isBeforeItBegan({ ledger }: Member, { signal }: Exit): boolean {
  ledger.read()
  return ledger.isEmpty && signal === 'SIGTERM'
}

function lastTold({ ledger }: Member): string {
  ledger.read()
  return ledger.told
    .slice(-5)
    .map(({ type }) => type)
    .join(', ')
}

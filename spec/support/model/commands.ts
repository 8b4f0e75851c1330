import fc from 'fast-check'
import type { RawMessage } from '../../../lib/broker.ts'
import { check } from './check.ts'
import { Lot, type Open } from './lot.ts'
import type { ModelLog } from './modelLog.ts'
import { ANSWERS, type Answer } from './modelMember.ts'
import { PARTITIONS, POLICIES, type Setup, type World } from './world.ts'

/** What may happen next; two numbers choose among what it may happen to. Where it can't happen now, nothing does. */
export type Command = readonly [name: keyof typeof COMMANDS, a: number, b: number]

/** A world's set-up and what happens in it. */
export interface Life {
  readonly setup: Setup
  readonly commands: readonly Command[]
}

type Act = (world: World, a: number, b: number) => void

const GOOD = Buffer.from('1')

const COMMANDS = {
  produce: (world, a, b) => {
    const partition = a % 2
    const [count, gap, tail, isBad] = [1 + (b % 4), (b >> 2) % 2, (b >> 3) % 2, a > 13]
    world.say(`produce ${count} to ${partition}, gap ${gap}, tail ${tail}${isBad ? ', the first undecodable' : ''}`)
    logOf(world, partition).append(count, gap, tail, isBad)
  },
  fetch: (world, a, b) => fetch(world, a % 2, 1 + (b % 6), a > 12 ? b % 3 : 0),
  ack: (world, a) => onHeld(world, a, (lot, open) => world.ledger.ack(lot, open)),
  ackAll: (world) => {
    for (const [lot, open] of held(world)) if (open.state === 'held' && lot.isLive) world.ledger.ack(lot, open)
  },
  nack: (world, a, b) => onHeld(world, a, (lot, open) => world.ledger.nack(lot, open, b > 13 ? 'fatal' : 'permanent')),
  abandon: (world, a) => onHeld(world, a, (lot, open) => world.ledger.abandon(lot, open)),
  late: (world, a, b) => {
    const { late } = world.ledger
    const found = late[(a * 16 + b) % Math.max(1, late.length)]
    if (found === undefined) return
    const { message, life } = found
    // To give up what is settled, or gone, settles nothing.
    if (life === world.ledger.life && !message.isSpent && b % 3 < 2) world.ledger.lateCount++
    world.say(`settle ${message.partition}@${message.offset} once more, or late`)
    if (b % 3 === 0) message.nack(new Error('late'))
    else if (b % 3 === 1) message.ack()
    else message.abandon()
  },
  pass: (world, a, b) => {
    const ms = [0, 1, 40, 200, 300, 1000, 5000, 30_000][(a + b) % 8] as number
    world.say(`${ms} ms pass`)
    world.clock.pass(ms)
  },
  arrive: (world) => {
    if (world.member?.pending?.verdict !== undefined || world.member?.pending === undefined) return
    world.say('the commit arrives at the broker')
    world.member.arrive()
  },
  answer: (world) => answer(world, 'answered'),
  refuse: (world, a) => answer(world, ANSWERS[1 + (a % 5)] as Answer),
  answerSend: (world, a) => {
    const letter = world.ledger.letters.shift()
    const send = world.member?.sends.shift()
    if (letter === undefined || send === undefined) return
    const how = a < 10 ? 'ok' : a < 14 ? 'transient' : 'fatal'
    world.say(`the dead letter of ${letter.lot.partition}@${letter.open.offset} is answered: ${how}`)
    world.ledger.answersSend(letter, how)
    send.done(how === 'ok' ? null : Object.assign(new Error(how), { errorClass: how }))
  },
  join: (world, a, b) => join(world, a === 15 ? [] : a > 11 ? [b % 2] : PARTITIONS),
  revoke: (world) => {
    if (world.member?.phase !== 'assigned') return
    world.say('the group rebalances')
    world.ledger.revokedAt = world.clock.now()
    world.member.revoke([...world.ledger.lots.keys()])
  },
  lose: (world) => {
    const { member } = world
    if (member === undefined || member.phase === 'left' || world.ledger.lots.size === 0) return
    world.say('the membership is lost')
    const partitions = [...world.ledger.lots.keys()]
    world.ledger.release()
    member.lose(partitions)
  },
  expel: (world) => {
    if (world.member === undefined || world.member.phase === 'left') return
    world.say('the broker gives the member up, without telling it')
    world.member.isExpelled = true
  },
  /** Another member works on what this one has not, or no longer has as far as the broker knows. */
  other: (world, a, b) => {
    const partition = a % 2
    const { member } = world
    const isOurs = member?.phase === 'assigned' || member?.phase === 'revoking'
    const isFree = !isOurs || member.isExpelled || !world.ledger.lots.has(partition)
    if (isFree) workElsewhere(world, partition, b % 5)
  },
  seek: (world, a, b) => {
    const lot = world.ledger.lots.get(a % 2)
    if (lot === undefined || !lot.isLive || world.ledger.isEnding) return
    seek(world, lot, b % (logOf(world, lot.partition).end + 1))
  },
  trim: (world, a, b) => {
    const log = logOf(world, a % 2)
    const before = Math.min(log.position, log.start + (b % 4))
    world.say(`${a % 2} is deleted up to ${before}`)
    log.trim(before)
  },
  pause: (world) => {
    if (world.reading === undefined) return
    world.say('pause')
    world.ledger.isPaused = true
    world.reading.pause()
  },
  resume: (world) => {
    if (world.reading === undefined) return
    world.say('resume')
    world.ledger.isPaused = false
    world.reading.resume()
  },
  drain: (world) => {
    if (world.reading === undefined) return
    world.say('drain')
    world.ledger.isEnding = true
    world.reading.drain()
  },
  unsubscribe: (world) => {
    if (world.reading === undefined || world.ledger.isEnding) return
    world.say('unsubscribe')
    world.ledger.isEnding = true
    for (const lot of world.ledger.lots.values()) world.ledger.retire(lot)
    world.reading.abandon()
  },
  answerLeave: (world) => {
    if (!world.ledger.hasLeft) return
    world.say('it has left')
    world.member?.answerLeave()
  },
  fail: (world) => {
    if (world.member === undefined || world.member.phase === 'left') return
    world.say('the consumer fails')
    world.ledger.isEnding = true
    world.member.fail(new Error('failed, as told'))
  },
  die: (world) => {
    world.say('the process dies')
    world.die()
  },
  subscribe: (world) => {
    if (world.reading !== undefined) return
    world.say('subscribe')
    world.subscribe()
  },
} satisfies Record<string, Act>

/** Does one thing, and looks whether all is as it should be. */
export function take(world: World, [name, a, b]: Command): void {
  const before = world.clock.now()
  const { deeds } = world
  COMMANDS[name](world, a, b)
  if (world.deeds > deeds) check(world, world.clock.now() - before)
}

export function join(world: World, partitions: readonly number[]): void {
  const { member, ledger } = world
  if (member?.phase !== 'outside' && member?.phase !== 'joining') return
  if (member.pending !== undefined && member.phase === 'joining') return
  world.say(`the member has ${partitions.length === 0 ? 'nothing' : partitions.join(' and ')} assigned`)
  const lots = new Map<number, Lot>()
  for (const partition of partitions) lots.set(partition, lotFor(world, partition))
  for (const [partition, lot] of ledger.lots) if (lots.get(partition) !== lot) ledger.retire(lot)
  ledger.lots = lots
  member.assign(partitions)
}

/** The assignment that goes on, or a new one. */
function lotFor(world: World, partition: number): Lot {
  const log = logOf(world, partition)
  const old = world.ledger.lots.get(partition)
  const { committed } = log
  if (old?.isLive && isContinued(old, committed)) return old
  const base = Math.max(committed ?? 0, log.start)
  return new Lot(partition, base, committed, false, base === log.end)
}

function isContinued({ known, start, low }: Lot, committed: number | null): boolean {
  if (committed === known) return true
  return committed !== null && committed >= (known ?? start) && committed <= low
}

export function fetch(world: World, partition: number, count: number, back = 0): void {
  const { member, ledger } = world
  const lot = ledger.lots.get(partition)
  if (member?.phase !== 'assigned' || lot === undefined) return
  const log = logOf(world, partition)
  if (log.position >= log.end && back === 0) return
  const { offsets, nextOffset } = member.fetch(partition, count, back)
  world.say(`fetch ${partition}: ${offsets.join(' ') || 'nothing'}, next ${nextOffset}`)
  if (!ledger.isEnding) lot.fetch(offsets, nextOffset)
  const raws = offsets.map((offset): RawMessage => {
    return { offset, timestamp: 0, key: null, value: log.bad.has(offset) ? null : GOOD }
  })
  member.deliver(partition, raws, nextOffset)
}

export function seek(world: World, lot: Lot, offset: number): void {
  const { partition } = lot
  world.say(`seek ${partition}@${offset}`)
  for (const one of logOf(world, partition).offsets) if (one < offset) world.ledger.done[partition]?.add(one)
  world.ledger.retire(lot)
  world.ledger.lots.set(partition, new Lot(partition, offset, lot.known, true, true))
  world.reading?.seek({ topic: 'numbers', partition, offset })
}

export function answer(world: World, how: Answer): void {
  if (world.member?.pending === undefined) return
  world.say(`the commit is answered: ${how}`)
  world.ledger.refusedAt = world.clock.now()
  world.member.answer(how)
}

function workElsewhere(world: World, partition: number, count: number): void {
  const log = logOf(world, partition)
  const { offsets, nextOffset } = log.read(log.committed ?? 0, count)
  log.committed = nextOffset
  world.say(`another member commits ${partition}@${nextOffset}`)
  for (const offset of offsets) world.ledger.done[partition]?.add(offset)
}

function held(world: World): [Lot, Open][] {
  const found: [Lot, Open][] = []
  for (const lot of world.ledger.lots.values()) for (const open of lot.open.values()) found.push([lot, open])
  return found
}

function onHeld(world: World, which: number, act: (lot: Lot, open: Open) => void): void {
  const able = held(world).filter(([lot, { state }]) => lot.isLive && state === 'held')
  const found = able[which % Math.max(1, able.length)]
  if (found !== undefined) act(...found)
}

function logOf(world: World, partition: number): ModelLog {
  return world.logs[partition] as ModelLog
}

/** How often each happens, beside the others. */
const WEIGHTS: Partial<Record<keyof typeof COMMANDS, number>> = {
  produce: 5,
  fetch: 8,
  ack: 8,
  ackAll: 3,
  nack: 3,
  late: 2,
  pass: 8,
  arrive: 2,
  answer: 5,
  refuse: 2,
  answerSend: 3,
  join: 4,
  revoke: 3,
  lose: 2,
  other: 2,
  seek: 2,
  resume: 2,
  answerLeave: 2,
  subscribe: 2,
}

const names = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[]
const weighted = names.flatMap((name) => Array<keyof typeof COMMANDS>(WEIGHTS[name] ?? 1).fill(name))

const command: fc.Arbitrary<Command> = fc.tuple(fc.constantFrom(...weighted), fc.nat(15), fc.nat(15))

/** Lives of a source. */
export const lives: fc.Arbitrary<Life> = fc.record({
  setup: fc.record({
    policy: fc.constantFrom(...(Object.keys(POLICIES) as Setup['policy'][])),
    atOnce: fc.constantFrom('nothing', 'nothing', 'ack', 'ack every second', 'nack'),
    maxInFlight: fc.integer({ min: 1, max: 6 }),
    drainTimeout: fc.constantFrom(20_000, 50),
  }),
  commands: fc.array(command, { maxLength: 40, size: 'max' }),
})

import { type Draw, drawFrom, pick } from '../services/support/seeded.ts'

export type FaultName =
  | 'kill'
  | 'freeze'
  | 'restart'
  | 'storm'
  | 'cut'
  | 'hold'
  | 'half-open'
  | 'slow'
  | 'kill broker'
  | 'restart broker'
  | 'add partitions'
  | 'delete records'
  | 'delete unread'

/** One fault, as drawn: nothing in it depends on how the run goes. Times in ms. */
export interface Fault {
  readonly name: FaultName
  /** Since the start of the faults. */
  readonly at: number
  /** Whom it hits. */
  readonly slot: number
  /** How long it lasts, or until the next process takes the place. */
  readonly lasts: number
}

export interface PlanOptions {
  readonly seed: number
  /** ms */
  readonly length: number
  readonly members: number
  /** ms */
  readonly sessionTimeout: number
  /** Those that are drawn. @default all */
  readonly names?: readonly FaultName[]
}

/** Between two draws, in ms. */
const TICK = 5000
/** A broker is let alone for so long after it was killed, in ms: groups and producers have to come back. */
const BROKER_REST = 45_000

/** How often each is drawn, of the sum of all. */
const WEIGHTS: Readonly<Record<FaultName, number>> = {
  kill: 5,
  freeze: 4,
  restart: 5,
  storm: 3,
  cut: 3,
  hold: 2,
  'half-open': 2,
  slow: 2,
  'kill broker': 2,
  'restart broker': 1,
  'add partitions': 1,
  'delete records': 1,
  'delete unread': 2,
}

export const faultNames = Object.keys(WEIGHTS) as readonly FaultName[]

/** Draws the faults of a run: those of a tick depend on seed and tick alone. */
export function planOf({ seed, length, members, sessionTimeout, names = faultNames }: PlanOptions): readonly Fault[] {
  const lots = names.flatMap((name) => Array<FaultName>(WEIGHTS[name]).fill(name))
  const plan: Fault[] = []
  const busyUntil = new Map<number | 'broker', number>()
  for (let tick = 0; (tick + 1) * TICK <= length; tick++) {
    const draw = drawFrom(seed * 7919 + tick)
    const name = pick(draw, lots)
    const fault = {
      name,
      at: tick * TICK + draw(TICK),
      slot: draw(members),
      lasts: lastsOf(name, draw, sessionTimeout),
    }
    const place = isOfBroker(fault) ? 'broker' : fault.slot
    // What hits the same place twice at a time has no effect of its own.
    if ((busyUntil.get(place) ?? 0) > fault.at) continue
    busyUntil.set(place, fault.at + fault.lasts + (isOfBroker(fault) ? BROKER_REST : 0))
    plan.push(fault)
  }
  return plan.sort((a, b) => a.at - b.at)
}

export function isOfBroker({ name }: Fault): boolean {
  return name === 'kill broker' || name === 'restart broker'
}

function lastsOf(name: FaultName, draw: Draw, sessionTimeout: number): number {
  switch (name) {
    case 'freeze':
      return sessionTimeout + 1000 + draw(5000)
    case 'cut':
      return 500 + draw(sessionTimeout)
    case 'hold':
    case 'half-open':
      return 2000 + draw(1.5 * sessionTimeout)
    case 'slow':
      return 5000 + draw(8000)
    case 'storm':
      return 6000
    default:
      return draw(3000)
  }
}

import { APIS, type Api } from './apis.ts'
import { CODES, type Effect } from './codes.ts'
import type { Fault } from './faultyNetwork.ts'

/**
 * What a member is at when a fault strikes. *idle*: all is acked. *in flight*: messages are. *draining*: a revoke is
 * under way, and waits for them. *stopping*: the member drains for good.
 */
export const STATES = ['idle', 'in flight', 'draining', 'stopping'] as const
export type State = (typeof STATES)[number]

/** One fault in one state, and what it may do. */
export interface Cell {
  /** `api/fault/state` */
  readonly name: string
  readonly fault: Fault
  readonly state: State
  readonly effect: Effect
}

/** While it drains, a member beats only to be counted in: the refusal of its next request tells the same. */
function effectIn(state: State, api: Api, effect: Effect): Effect {
  return api === 'Heartbeat' && state === 'draining' && effect === 'fatal' ? 'none' : effect
}

/** The ways to lose an answer, beside having it refused. */
const LOSSES = ['cut before', 'cut after', 'time-out'] as const

/** A member whose join was lost joins anew. */
const LOSES_MEMBERSHIP: readonly Api[] = ['JoinGroup', 'SyncGroup']

interface Named {
  readonly name: string
  readonly what: Fault['what']
  readonly effect: Effect
}

/** The whole matrix. */
export const CELLS: readonly Cell[] = (Object.keys(APIS) as Api[]).flatMap((api) =>
  faultsOf(api).flatMap(({ name, what, effect }) =>
    STATES.map((state) => ({
      name: `${api}/${name}/${state}`.replaceAll(' ', '-'),
      fault: { api, what },
      state,
      effect: effectIn(state, api, effect),
    })),
  ),
)

function faultsOf(api: Api): readonly Named[] {
  const codes = CODES[api].map(({ code, name, effect }) => ({ name, what: code, effect }))
  const losses = LOSSES.map((what) => ({ name: what, what, effect: LOSES_MEMBERSHIP.includes(api) ? 'fence' : 'none' }))
  return [...codes, ...(losses as Named[])]
}

import type { MicroName } from '../micro/micros.ts'
import type { Aim, Case, Row } from './case.ts'

/** A budget: so much of what the decoding of a message costs, which is measured beside it. */
const within = (most: number): Aim => ({ metric: 'ns', ratio: true, most })

const row = (variant: MicroName, title: string, budget?: number): Row => ({
  variant,
  title,
  ...(budget === undefined ? {} : { aim: within(budget) }),
})

/** The parts of the hot path by themselves. */
export const micro: Case = {
  name: 'micro',
  title: 'Operations of the hot path',
  overKafka: false,
  isMicro: true,
  load: { kind: 'orders', partitions: 1, warmUp: 0, messages: 0 },
  columns: ['ns'],
  note:
    'All in one process, in turn. The ratio against a decoding of the same round is ' +
    'what the budgets are of: it hardly depends on the machine. From `ack` on, each row makes the message, tracks it, ' +
    'sends it through the pipe and acks it.',
  rows: [
    row('decode', '`json().decode` of 120 bytes: the reference'),
    row('decodeChecked', 'the same through an io-ts type of five fields', 2.5),
    row('encode', '`json().encode`', 1.2),
    row('acksInOrder', 'tracker: deliver, ack', 0.03),
    row('shuffledAcks', 'tracker: deliver, ack, 1,000 in flight in a shuffled order', 0.04),
    row('views', 'a message and one view of it', 0.06),
    row('ack', '`ack`', 0.15),
    row('valueChain', '`mapValue`, `filterValue`, `ack`', 0.25),
    row('chain', '`perMessage(map)`, `ack`', 1),
    row('batch', '`perBatch(500)`, `ack`', 0.6),
    row('twoBranches', '`fork(mapValue, mapValue)`, `ack`', 0.6),
  ],
}

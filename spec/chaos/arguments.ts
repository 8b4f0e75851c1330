import { parseArgs } from 'node:util'
import { type ConsumerName, consumerNames } from './consumers.ts'
import { type FaultName, faultNames } from './plan.ts'

export const help = `npm run chaos -- [options]

Puts a group of processes through faults drawn from a seed, on a Kafka of its own, and counts what was lost or done twice.

options
  --minutes N      how long faults are drawn (default 2)
  --seed N         the same seed draws the same faults (default: by the clock)
  --members N      processes in the group (default 3)
  --rate N         messages a second (default 300)
  --only A,B       draws these faults alone: ${faultNames.join(', ')}
  --consumer NAME  ${consumerNames.join(', ')} (default ours)
  --port-base N    as of the launcher; two runs at a time need two, 100 apart (default 21500)
`

export interface Arguments {
  readonly minutes: number
  readonly seed: number
  readonly members: number
  readonly rate: number
  readonly consumer: ConsumerName
  readonly portBase: number
  readonly only: readonly FaultName[]
  readonly help: boolean
}

/** @throws Error for a wrong option */
export function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      members: { type: 'string', default: '3' },
      rate: { type: 'string', default: '300' },
      consumer: { type: 'string', default: 'ours' },
      only: { type: 'string', default: faultNames.join(',') },
      'port-base': { type: 'string', default: '21500' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const consumer = consumerNames.find((name) => name === values.consumer)
  if (consumer === undefined)
    throw new Error(`Expected --consumer to be one of ${consumerNames.join(', ')}, got \`${values.consumer}\``)
  const only = values.only.split(',').map(faultNamed)
  const positive = (name: 'minutes' | 'members' | 'rate') => {
    const number = Number(values[name])
    if (!(number > 0)) throw new Error(`Expected --${name} to be a number above 0, got \`${values[name]}\``)
    return number
  }
  const [minutes, members, rate] = [positive('minutes'), positive('members'), positive('rate')]
  return {
    minutes,
    members,
    rate,
    consumer,
    only,
    seed: Number(values.seed),
    portBase: Number(values['port-base']),
    help: values.help,
  }
}

function faultNamed(name: string): FaultName {
  const found = faultNames.find((one) => one === name)
  if (found === undefined) throw new Error(`Expected --only to name some of ${faultNames.join(', ')}, got \`${name}\``)
  return found
}

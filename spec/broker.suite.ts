import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { commitCases } from './broker/commitCases.ts'
import { deliverCases } from './broker/deliverCases.ts'
import { Bench, type BrokerHarness } from './broker/harness.ts'
import { positionCases } from './broker/positionCases.ts'
import { produceCases } from './broker/produceCases.ts'
import { rangeCases } from './broker/rangeCases.ts'
import { rebalanceCases } from './broker/rebalanceCases.ts'
import { transactionCases } from './broker/transactionCases.ts'

export type { BrokerHarness }

/**
 * What every broker behind the port has to do: the memory broker and, through kafkajs, Kafka itself. Whatever the
 * memory broker does here Kafka does too, so that specs on the memory broker speak of Kafka.
 */
export function brokerSuite(name: string, setup: () => Promise<BrokerHarness>): void {
  describe(`${name} as a broker`, () => {
    let bench: Bench
    beforeAll(async () => {
      bench = new Bench(await setup())
    })
    afterEach(() => bench.end())
    afterAll(() => bench.on.close())

    describe('producing', () => produceCases(() => bench))
    describe('delivering', () => deliverCases(() => bench))
    describe('pausing and seeking', () => positionCases(() => bench))
    describe('committing', () => commitCases(() => bench))
    describe('reading what is not in the log', () => rangeCases(() => bench))
    describe('transactions', () => transactionCases(() => bench))
    describe('rebalancing', () => rebalanceCases(() => bench))
  })
}

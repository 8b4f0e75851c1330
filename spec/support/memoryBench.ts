import type { TestScheduler } from 'rxjs/testing'
import { type MemoryBroker, type MemoryBrokerOptions, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { Bench, type BrokerHarness } from '../broker/harness.ts'
import { advance, until, virtualTime } from './virtualTime.ts'

/** The memory broker as the conformance suite wants it. */
export function memoryHarness(clock: TestScheduler, broker: MemoryBroker): BrokerHarness {
  let names = 0
  return {
    broker,
    createTopic: async (name, partitions) => broker.createTopic(name, partitions),
    committed: async (groupId, topic) => broker.committed(groupId, topic),
    deleteRecords: async (topic, partition, before) => broker.trim(topic, partition, before),
    recreateTopic: async (name) => broker.recreateTopic(name),
    endOffsets: async (topic) => broker.endOffsets(topic),
    until: (condition) => until(clock, condition),
    uniqueName: (prefix) => `${prefix}-${++names}`,
    close: async () => {},
  }
}

/** A memory broker in virtual time, with the steps of the conformance suite. */
export function memoryBench(options: MemoryBrokerOptions = {}) {
  const clock = virtualTime()
  const broker = memoryBroker({ topics: { orders: 4, one: 1 }, ...options, clock })
  const bench = new Bench(memoryHarness(clock, broker))
  /** Does all that is due now. */
  const settle = () => advance(clock, clock.now())
  return { clock, broker, bench, settle, advance: (ms: number) => advance(clock, clock.now() + ms) }
}

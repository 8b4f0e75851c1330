import type { ConsumerHandler, LogRange, Position, RawMessage, TopicPartition } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ConsumerClient, EachBatch } from './client.ts'
import { letGo } from './letGo.ts'

/**
 * How often a batch that is held for room looks whether others have room, in ms: their next fetch waits for it, so at
 * the second look it gives way. Pausing at once would cost a fetch's whole `maxWaitTimeInMs`.
 */
const LOOK = 50

const DONE = Promise.resolve()

interface Reading extends TopicPartition {
  /** The next offset to be handed over. */
  position: number
  /** One past the last message of the log, as the broker last said. */
  highWatermark: number
  /** Whether the handler wants no more. */
  paused: boolean
  /** Whether KafkaJS was told so. */
  stopped: boolean
  /** Whether the handler is being given a batch. */
  busy: boolean
  /** Ends the hold of a batch. */
  release: (() => void) | undefined
}

/** Hands the batches of the assigned partitions over, each message once, and holds them back. */
export class Reader {
  private readonly client: ConsumerClient
  private readonly clock: Clock
  private readonly handler: ConsumerHandler
  private readings = new Map<string, Reading>()
  private isOpen = false

  constructor(client: ConsumerClient, clock: Clock, handler: ConsumerHandler) {
    this.client = client
    this.clock = clock
    this.handler = handler
  }

  owns(place: TopicPartition): boolean {
    return this.readings.has(keyOf(place))
  }

  /** Whether the log has more that is wanted: the next fetch will not have to wait for it. */
  get isBehind(): boolean {
    for (const { paused, position, highWatermark } of this.readings.values())
      if (!paused && position < highWatermark) return true
    return false
  }

  /** Takes up a new assignment; nothing is handed over before {@link open}. */
  assign(partitions: readonly { topic: string; partition: number; position: number }[]): void {
    this.close()
    const free = { highWatermark: 0, paused: false, stopped: false, busy: false, release: undefined }
    this.readings = new Map(
      partitions.map(({ topic, partition, position }) => [
        keyOf({ topic, partition }),
        { topic, partition, position, ...free },
      ]),
    )
  }

  /** Hands over from now on. KafkaJS keeps its pauses over a join, and has places of its own: both are set right. */
  open(): void {
    this.isOpen = true
    for (const reading of this.readings.values()) {
      this.tell((client) => client.seek(positionOf(reading)))
      if (reading.paused) this.stop(reading)
      else this.tell((client) => client.resume(topicOf(reading)))
    }
  }

  /** Hands over nothing more, and ends all holds: a join waits for them. */
  close(): void {
    this.isOpen = false
    for (const reading of this.readings.values()) reading.release?.()
  }

  seek({ topic, partition, offset }: Position): void {
    const reading = this.readings.get(keyOf({ topic, partition }))
    if (reading === undefined) return
    reading.position = offset
    if (!this.isOpen) return
    this.tell((client) => client.seek(positionOf(reading)))
    // It was held back because its place was not in the log.
    if (reading.stopped && !reading.paused) this.resume(reading)
  }

  pause(place: TopicPartition): void {
    const reading = this.readings.get(keyOf(place))
    if (reading === undefined || reading.paused) return
    reading.paused = true
    // The batch that is open is held instead.
    if (this.isOpen && !reading.busy && reading.release === undefined) this.stop(reading)
  }

  resume(place: TopicPartition): void {
    const reading = this.readings.get(keyOf(place))
    if (reading === undefined) return
    reading.paused = false
    reading.release?.()
    if (reading.stopped && this.isOpen) this.tell((client) => client.resume(topicOf(reading)))
    reading.stopped = false
  }

  /** KafkaJS's `eachBatch`: never throws, and leaves unresolved what must be fetched again. */
  eachBatch(payload: EachBatch): Promise<void> {
    const reading = this.readings.get(keyOf(payload.batch))
    // Not async: a function that waits would keep the messages that it has handed over.
    if (!this.isOpen || reading === undefined || payload.isStale() || !this.take(reading, payload)) return DONE
    return reading.paused && this.isOpen ? this.hold(reading, payload.heartbeat) : DONE
  }

  /** There is nothing to see from one offset to the next to be read; of an answer that is late, perhaps far ahead. */
  passOver(place: TopicPartition, from: number, nextOffset: number, highWatermark: number): void {
    const reading = this.readings.get(keyOf(place))
    if (!this.isOpen || reading === undefined) return
    if (from <= reading.position && reading.position < nextOffset) this.hand(reading, [], nextOffset, highWatermark)
  }

  /** Has KafkaJS fetch once more from where it did. It sends the heartbeat that is due before. */
  again(place: TopicPartition): void {
    const reading = this.readings.get(keyOf(place))
    if (this.isOpen && reading !== undefined) this.refuse(reading)
  }

  /** The place to read from is not in the log: has the handler say where to go on, and reads nothing until then. */
  outOfRange(place: TopicPartition, log: LogRange): void {
    const reading = this.readings.get(keyOf(place))
    if (!this.isOpen || reading === undefined) return
    const { topic, partition, position } = reading
    const isOut = position < log.logStart || position > log.highWatermark
    if (isOut) this.handler.outOfRange({ topic, partition, offset: position }, log)
    // The log has it by now, or the handler has no answer: KafkaJS would go on at the last commit.
    if (reading.position === position) this.tell((client) => client.seek(positionOf(reading)))
    if (isOut && reading.position === position) this.stop(reading)
  }

  /** Hands a batch over; false when it has to be fetched again. */
  private take(reading: Reading, { batch, resolveOffset }: EachBatch): boolean {
    const nextOffset = Number(batch.lastOffset()) + 1
    // Fetched by a second fetcher while the partition's leader moved, or from a place we did not ask for.
    const misplaced = nextOffset <= reading.position || Number(batch.fetchedOffset ?? 0) > reading.position
    if (misplaced) return this.refuse(reading)
    try {
      resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset())
    } catch {
      return false
    }
    this.hand(reading, unread(letGo(batch), reading.position), nextOffset, Number(batch.highWatermark))
    return true
  }

  private refuse(reading: Reading): false {
    this.tell((client) => client.seek(positionOf(reading)))
    return false
  }

  private hand(reading: Reading, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void {
    reading.position = nextOffset
    reading.highWatermark = highWatermark
    reading.busy = true
    this.handler.batch(reading, messages, nextOffset, highWatermark)
    reading.busy = false
  }

  /** Waits until the handler wants more, or others do. Where all are full nobody waits for this batch. */
  private hold(reading: Reading, heartbeat: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer
      let hadRoom = false
      const release = () => {
        timer.unsubscribe()
        if (reading.release === release) reading.release = undefined
        resolve()
      }
      const wait = () => {
        if (reading.release === release) timer = this.clock.schedule(look, LOOK)
      }
      const look = () => {
        if (!this.isFull && hadRoom) {
          this.stop(reading)
          return release()
        }
        hadRoom = !this.isFull
        // KafkaJS sends none meanwhile; one that fails is its news of a rebalance.
        heartbeat().then(wait, release)
      }
      reading.release = release
      wait()
    })
  }

  private get isFull(): boolean {
    for (const { paused } of this.readings.values()) if (!paused) return false
    return true
  }

  private stop(reading: Reading): void {
    reading.stopped = true
    this.tell((client) => client.pause(topicOf(reading)))
  }

  /** Between a crash and its news KafkaJS has no group, and throws; a new member will be told what counts then. */
  private tell(say: (client: ConsumerClient) => void): void {
    try {
      say(this.client)
    } catch {}
  }
}

function unread(messages: readonly RawMessage[], position: number): readonly RawMessage[] {
  if (Number(messages[0]?.offset) >= position) return messages
  return messages.filter(({ offset }) => Number(offset) >= position)
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function positionOf({ topic, partition, position }: Reading): { topic: string; partition: number; offset: string } {
  return { topic, partition, offset: String(position) }
}

function topicOf({ topic, partition }: TopicPartition): { topic: string; partitions: number[] }[] {
  return [{ topic, partitions: [partition] }]
}

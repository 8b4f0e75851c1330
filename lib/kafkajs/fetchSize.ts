import type { Clock } from '../clock.ts'

/** How long an answer may take to decode, in ms: KafkaJS does it in one go, and other work waits meanwhile. */
const STRETCH = 5
/** How long it may take when the broker is far away, in ms. */
const LONGEST = 50
/** Bytes to ask for at first. */
const FIRST = 128 * 1024
/**
 * Bytes to ask for at least. KafkaJS unzips beside other work, which then counts as time to decode: in a busy process
 * zipped answers come down to this, although they block nothing.
 */
const LEAST = 64 * 1024

/** What KafkaJS tells of a request when its answer has come, before it decodes it. */
export interface Answered {
  /** The broker's address. */
  readonly broker: string
  readonly apiName: string
  /** Bytes of the answer. */
  readonly size: number
  /** From the request to its answer, in ms. */
  readonly duration: number
}

/**
 * How many bytes to ask one broker for: what is decoded within {@link STRETCH}, going by the last answers. The wait for a
 * broker that is far away has to be worth it, so there it is what is decoded in the time of a round trip.
 */
export class FetchSize {
  private wanted = FIRST
  private readonly clock: Clock
  private arrival: { readonly size: number; readonly at: number } | undefined
  /**
   * The shortest of any request so far, in ms: others waited for the broker's messages, or for this process. It never
   * grows: answers that wait while those of another broker are decoded would make each other ever larger.
   */
  private roundTrip = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** @param most what may be asked for */
  within(most: number): number {
    return Math.min(most, Math.round(this.wanted))
  }

  /** An answer has come, to a fetch or to another request. */
  arrived({ apiName, size, duration }: Answered): void {
    this.roundTrip = Math.min(this.roundTrip, duration)
    if (apiName === 'Fetch') this.arrival = { size, at: this.clock.now() }
  }

  /** The answer to a fetch is decoded. */
  decoded(): void {
    if (this.arrival === undefined) return
    const { size, at } = this.arrival
    this.arrival = undefined
    const took = Math.max(1, this.clock.now() - at)
    // A smaller one had all that there was, and came late or says little.
    const isFull = size >= this.wanted / 2
    const stretch = between(STRETCH, this.roundTrip, LONGEST)
    if (!isFull && took <= stretch) return
    // Step by step: a pause of the garbage collector tells nothing of the next answer.
    const next = between(this.wanted / 2, (size * stretch) / took, this.wanted * 2)
    this.wanted = Math.max(LEAST, next)
  }
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most))
}

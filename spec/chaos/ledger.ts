import { closeSync, openSync, readSync } from 'node:fs'
import type { Position, TopicPartition } from 'rxjs-kafka-toolkit'
import type { Books, Handling } from './books.ts'

/** What a member said beside its work. */
export interface Told {
  readonly type: string
  readonly at: number
  readonly partitions?: readonly TopicPartition[]
  readonly retained?: readonly TopicPartition[]
  readonly offsets?: readonly Position[]
  readonly unsettled?: number
  readonly drainMs?: number
}

const CHUNK = 1 << 16

/** Reads the ledger of one process as it grows, into the books. */
export class Ledger {
  readonly path: string
  readonly told: Told[] = []
  /** What was wrong with the order of its work. */
  readonly disorders: string[] = []
  style = ''
  ended = 0
  private readonly member: string
  private readonly books: Books
  private readonly open = new Map<string, Handling>()
  /** By partition and key: the last one begun. */
  private lanes = new Map<string, { offset: number; handling: Handling }>()
  private at = 0
  private rest = ''

  constructor(path: string, member: string, books: Books) {
    this.path = path
    this.member = member
    this.books = books
  }

  /** Takes up what was written since. */
  read(): void {
    const file = openIfThere(this.path)
    if (file === undefined) return
    const buffer = Buffer.alloc(CHUNK)
    for (let size = 1; size > 0; ) {
      size = readSync(file, buffer, 0, CHUNK, this.at)
      this.at += size
      const lines = (this.rest + buffer.toString('latin1', 0, size)).split('\n')
      this.rest = lines.pop() ?? ''
      for (const line of lines) this.take(line)
    }
    closeSync(file)
  }

  /** What was begun and is not done. */
  get inFlight(): Iterable<Handling> {
    return this.open.values()
  }

  /** Whether its process has not said anything yet. */
  get isEmpty(): boolean {
    return this.at === 0
  }

  private take(line: string): void {
    const [what = '', time, ...words] = line.split(' ')
    const at = Number(time)
    if (what === 'start') this.start(at, words)
    else if (what === 'end') this.end(at, words)
    else if (what === 'style') this.style = words.join(' ')
    else this.tell({ ...JSON.parse(words.join(' ')), type: what, at })
  }

  private start(at: number, words: readonly string[]): void {
    const [topic = '', partition, number, ...key] = words
    const offset = Number(number)
    const handling: Handling = { member: this.member, startedAt: at, endedAt: undefined }
    const { handled } = this.books.of(topic, Number(partition))
    const all = handled.get(offset)
    if (all === undefined) handled.set(offset, [handling])
    else all.push(handling)
    this.open.set(`${topic}/${partition}/${number}`, handling)
    this.follow(`${topic}/${partition}/`, key.join(' '), offset, handling)
  }

  private end(at: number, [topic = '', partition, number]: readonly string[]): void {
    const id = `${topic}/${partition}/${number}`
    const handling = this.open.get(id)
    if (handling === undefined) return void this.disorders.push(`${id} was done and never begun`)
    handling.endedAt = at
    this.open.delete(id)
    this.books.of(topic, Number(partition)).lastEndAt = at
    this.ended++
  }

  /** Messages of a key begin in the order of their offsets, each after the one before is done. */
  private follow(partition: string, key: string, offset: number, handling: Handling): void {
    const lane = partition + key
    const before = this.lanes.get(lane)
    this.lanes.set(lane, { offset, handling })
    // Of a style that it does not tell, it does not tell its assignments either.
    if (before === undefined || this.style === '') return
    const place = `${partition}${offset} with key ${key} of ${this.member}`
    if (before.offset >= offset) this.disorders.push(`${place} began after ${before.offset}`)
    else if (this.style !== 'anyOrder' && before.handling.endedAt === undefined)
      this.disorders.push(`${place} began while ${before.offset} was under way`)
  }

  private tell(told: Told): void {
    this.told.push(told)
    // What it gets back, it may be given again.
    if (told.type === 'lost') this.forget((place) => (told.partitions ?? []).some(isAt(place)))
    if (told.type === 'assigned') this.forget((place) => !(told.retained ?? []).some(isAt(place)))
  }

  private forget(isGone: (partition: string) => boolean): void {
    for (const lane of this.lanes.keys()) if (isGone(lane)) this.lanes.delete(lane)
  }
}

function isAt(lane: string): (place: TopicPartition) => boolean {
  return ({ topic, partition }) => lane.startsWith(`${topic}/${partition}/`)
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

import { Socket } from 'node:net'
import { headOf, type RequestHead } from './requests.ts'

/** What becomes of a request or of its answer. */
export type Fate = 'pass' | 'drop' | 'cut'

/** Who decides. */
export interface Traffic {
  /** A request is about to be sent. */
  request(head: RequestHead, frame: Buffer): Fate
  /** Its answer has come, and may be changed in place. */
  response(head: RequestHead, frame: Buffer): Fate
}

/** Of a frame's size, which comes first. */
const SIZE = 4

/** A connection to a broker on which every request and every answer is looked at, and may be lost or changed. */
export class FaultySocket extends Socket {
  private readonly traffic: Traffic
  private readonly asked = new Map<number, RequestHead>()
  private rest = Buffer.alloc(0)

  constructor(traffic: Traffic) {
    super()
    this.traffic = traffic
  }

  /** Connects. Node puts its own `write` back as it does, so that ours has to come afterwards. */
  open(host: string, port: number, onConnect: () => void): void {
    this.connect({ host, port }, onConnect)
    this.write = (frame: Uint8Array | string) => this.send(Buffer.from(frame as Uint8Array))
  }

  /** @param frame a request: KafkaJS writes each at once */
  private send(frame: Buffer): boolean {
    const head = headOf(frame)
    this.asked.set(head.correlationId, head)
    const fate = this.traffic.request(head, frame)
    if (fate === 'cut') this.cut()
    return fate === 'pass' ? super.write(frame) : true
  }

  /** Node gives what it has read to the stream by this method: whole answers are given on. */
  override push(chunk: Buffer | null): boolean {
    if (chunk === null) return super.push(null)
    this.rest = Buffer.concat([this.rest, chunk])
    let goesOn = true
    for (let frame = this.next(); frame !== undefined && !this.destroyed; frame = this.next()) {
      if (this.isPassed(frame)) goesOn = super.push(frame)
    }
    return goesOn
  }

  private next(): Buffer | undefined {
    if (this.rest.length < SIZE) return undefined
    const end = SIZE + this.rest.readInt32BE(0)
    if (this.rest.length < end) return undefined
    const frame = this.rest.subarray(0, end)
    this.rest = this.rest.subarray(end)
    return frame
  }

  private isPassed(frame: Buffer): boolean {
    const correlationId = frame.readInt32BE(SIZE)
    const head = this.asked.get(correlationId)
    this.asked.delete(correlationId)
    const fate = head === undefined ? 'pass' : this.traffic.response(head, frame)
    if (fate === 'cut') this.cut()
    return fate === 'pass'
  }

  private cut(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  }
}

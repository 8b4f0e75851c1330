import type { ISocketFactory } from 'kafkajs'
import type { Api } from './apis.ts'
import { type Fate, FaultySocket, type Traffic } from './faultySocket.ts'
import { type CommitRequest, commitOf, type RequestHead, spoil } from './requests.ts'
import { errorsOf, putError } from './responses.ts'

/** What is done to one request. */
export interface Fault {
  readonly api: Api
  /**
   * An error code in the answer; or the connection is cut before the request is sent, or once the broker has answered;
   * or the answer never comes.
   */
  readonly what: number | 'cut before' | 'cut after' | 'time-out'
}

/** An offset commit, and what the broker made of it. */
export interface SentCommit extends CommitRequest {
  /** The broker's own word, before any fault; undefined until it has answered. */
  taken: boolean | undefined
}

/** Hears what a network carries. */
export interface NetworkListener {
  committing(commit: SentCommit): void
  /** The broker took it: what is told of it here is true even if the answer is then lost. */
  taken(commit: SentCommit): void
}

interface Armed extends Fault {
  /** The request has gone out, or would have. */
  sent: () => void
  struck: () => void
}

/** The connections of one member: reads its commits, and does to one request what it is armed with. */
export class FaultyNetwork implements Traffic {
  /** Connections. */
  open = 0
  private readonly listener: NetworkListener
  private armed: Armed | undefined
  private readonly chosen = new WeakMap<RequestHead, Armed>()
  private readonly commits = new WeakMap<RequestHead, SentCommit>()

  constructor(listener: NetworkListener) {
    this.listener = listener
  }

  /** KafkaJS's `socketFactory`. */
  readonly socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = new FaultySocket(this)
    this.open++
    socket.once('close', () => this.open--)
    socket.open(host, port, onConnect)
    return socket
  }

  /** Does this to the next request of its kind. */
  arm(fault: Fault): { readonly sent: Promise<void>; readonly struck: Promise<void> } {
    let tell: Pick<Armed, 'sent' | 'struck'> = { sent: () => {}, struck: () => {} }
    const sent = new Promise<void>((resolve) => {
      tell = { ...tell, sent: resolve }
    })
    const struck = new Promise<void>((resolve) => {
      tell = { ...tell, struck: resolve }
    })
    this.armed = { ...fault, ...tell }
    return { sent, struck }
  }

  request(head: RequestHead, frame: Buffer): Fate {
    if (head.api === 'OffsetCommit') this.noteCommit(head, frame)
    const { armed } = this
    if (armed === undefined || armed.api !== head.api) return 'pass'
    this.armed = undefined
    armed.sent()
    if (armed.what !== 'cut before') {
      this.chosen.set(head, armed)
      if (typeof armed.what === 'number') spoil(frame, armed.api)
      return 'pass'
    }
    armed.struck()
    return 'cut'
  }

  response(head: RequestHead, frame: Buffer): Fate {
    if (head.api === 'OffsetCommit') this.noteAnswer(head, frame)
    const armed = this.chosen.get(head)
    if (armed === undefined) return 'pass'
    if (typeof armed.what === 'number') return this.refuse(armed, armed.what, head, frame)
    armed.struck()
    return armed.what === 'cut after' ? 'cut' : 'drop'
  }

  private refuse(armed: Armed, error: number, { version }: RequestHead, frame: Buffer): Fate {
    if (putError(frame, armed.api, version, error)) armed.struck()
    // Nothing in it that could be refused: the next will have.
    else this.armed ??= armed
    return 'pass'
  }

  private noteCommit(head: RequestHead, frame: Buffer): void {
    const commit: SentCommit = { ...commitOf(frame, head.version), taken: undefined }
    this.commits.set(head, commit)
    this.listener.committing(commit)
  }

  private noteAnswer(head: RequestHead, frame: Buffer): void {
    const commit = this.commits.get(head)
    if (commit === undefined) return
    commit.taken = errorsOf(frame, 'OffsetCommit', head.version).every((error) => error === 0)
    if (commit.taken) this.listener.taken(commit)
  }
}

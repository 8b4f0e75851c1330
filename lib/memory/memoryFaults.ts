import { CommitError, TransientError } from '../errors.ts'

/** What goes wrong on demand: an unreachable broker, refused commits and sends. */
export class MemoryFaults {
  isDown = false
  private commits: CommitError['kind'][] = []
  private sends: Error[] = []
  private answers = 0

  failCommits(kind: CommitError['kind'], times: number): void {
    this.commits.push(...Array<CommitError['kind']>(times).fill(kind))
  }

  failSends(error: Error, times: number): void {
    this.sends.push(...Array<Error>(times).fill(error))
  }

  loseAnswers(times: number): void {
    this.answers += times
  }

  /** Why nobody hears that a transaction is committed, if so. */
  ofAnswer(): Error | null {
    if (this.answers === 0) return null
    this.answers--
    return new TransientError('Cannot tell whether the transaction is committed: loseAnswers() asked for it')
  }

  /** Why the next commit fails, if it does. */
  ofCommit(groupId: string): CommitError | undefined {
    const kind = this.isDown ? 'retriable' : this.commits.shift()
    const state = this.isDown
      ? 'the broker is down; it is committed once it is up'
      : `failCommits('${kind}') asked for it`
    return kind && new CommitError(kind, `Cannot commit for group ${groupId}: ${state}`)
  }

  /** Why the next send fails, if it does. */
  ofSend(): Error | undefined {
    return this.isDown ? downError('send') : this.sends.shift()
  }
}

/** What everybody hears who asks a broker that is down. */
export function downError(action: string): TransientError {
  return new TransientError(`Cannot ${action}: the memory broker is down; call up()`)
}

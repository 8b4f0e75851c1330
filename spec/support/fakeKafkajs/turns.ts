interface Waiting {
  readonly what: string
  readonly go: (error?: Error) => void
}

/** Requests under way: each is done and answered when its turn is taken, in whatever order. */
export class Turns {
  readonly waiting: Waiting[] = []
  private readonly say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.say = say
  }

  /** A request: `work` is what the broker does when it comes to it. */
  request<T>(what: string, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const go = (error?: Error) => {
        if (error !== undefined) return reject(error)
        try {
          resolve(work())
        } catch (refusal) {
          reject(refusal)
        }
      }
      this.waiting.push({ what, go })
    })
  }

  /** Answers one of the requests, or has its connection fail. */
  async take(which: number, error?: Error): Promise<void> {
    const [turn] = this.waiting.splice(which % Math.max(1, this.waiting.length), 1)
    if (turn === undefined) return
    this.say(`${turn.what}${error === undefined ? '' : ` fails: ${error.message}`}`)
    turn.go(error)
    await settled()
  }
}

/** Lets all that follows from promises happen. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

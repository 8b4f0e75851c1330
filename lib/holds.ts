/** Which servers want to be left alone, and until when. */
export class Holds {
  private readonly until = new Map<string, number>()

  /** Takes note that a server asked to be left alone until a time, in ms. */
  note(server: string, until: number): void {
    if (until > (this.until.get(server) ?? 0)) this.until.set(server, until)
  }

  /** How long the server still wants that, in ms. */
  left(server: string, now: number): number {
    const until = this.until.get(server)
    if (until === undefined) return 0
    if (until <= now) this.until.delete(server)
    return Math.max(0, until - now)
  }
}

/** What has to be undone at the end, whatever happens before. */
export class Undo {
  private readonly works: { readonly what: string; readonly work: () => unknown }[] = []

  /** @param what completes "Cannot …" */
  add(what: string, work: () => unknown): void {
    this.works.push({ what, work })
  }

  /** Undoes all, the latest first. One failure does not keep the rest from being undone. */
  async run(): Promise<void> {
    for (let next = this.works.pop(); next !== undefined; next = this.works.pop()) {
      try {
        await next.work()
      } catch (error) {
        console.error(`Cannot ${next.what}: ${error instanceof Error ? error.message : error}`)
      }
    }
  }
}

/** What a member process is told. Times in ms. */
export interface Job {
  readonly broker: string
  readonly groupId: string
  readonly topics: readonly string[]
  /** Where it writes its ledger. */
  readonly ledger: string
  readonly seed: number
  readonly sessionTimeout: number
  /** How it works: a number that differs from process to process. */
  readonly style: number
}

export function readJob(): Job {
  return JSON.parse(process.argv[2] as string)
}

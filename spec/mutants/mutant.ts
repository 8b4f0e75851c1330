/** One way to bring a bug of another system into this code. */
export interface Mutant {
  /** Its number among the 25; a bug may have several mutants, and counts once all of them are caught. */
  readonly bug: number
  /** Where it was reported: PC = confluentinc/parallel-consumer, SR = smallrye-reactive-messaging, … */
  readonly thread: string
  /** What broke there. */
  readonly broke: string
  /** What of ours keeps it out, and is undone. */
  readonly undone: string
  readonly patches: readonly Patch[]
  /** The tests that must turn red, by spec file. */
  readonly red: Readonly<Record<string, readonly string[]>>
}

/** A change of one source file. */
export interface Patch {
  readonly file: string
  /** Text that the file has exactly once. */
  readonly find: string
  readonly replace: string
}

/** Gives a file's text with a patch applied. @throws Error when the patch does not fit exactly once */
export function patched(source: string, { file, find, replace }: Patch): string {
  const times = source.split(find).length - 1
  if (times !== 1) throw new Error(`Cannot patch ${file}: expected to find once, found ${times} times: ${find}`)
  return source.replace(find, () => replace)
}

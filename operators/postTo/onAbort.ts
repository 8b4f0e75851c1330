/** What is to be done when a signal aborts. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls back when a signal aborts, unless what it gives was called before: one listener a signal, however many wait. */
export function onAbort(signal: AbortSignal, abort: () => void): () => void {
  let all = waiting.get(signal)
  if (all === undefined) {
    const fresh = new Set<() => void>()
    signal.addEventListener('abort', () => {
      for (const each of fresh) each()
    })
    waiting.set(signal, fresh)
    all = fresh
  }
  const these = all.add(abort)
  return () => these.delete(abort)
}

type Abort = () => void

/** What is to be done when a signal aborts. */
const waiting = new WeakMap<AbortSignal, Abort[]>()

/** Calls back when a signal aborts, unless what it gives was called before: one listener a signal, however many wait. */
export function onAbort(signal: AbortSignal, abort: Abort): () => void {
  const all = waiting.get(signal) ?? listened(signal)
  all.push(abort)
  return () => {
    const at = all.indexOf(abort)
    if (at >= 0) all.splice(at, 1)
  }
}

function listened(signal: AbortSignal): Abort[] {
  const all: Abort[] = []
  signal.addEventListener('abort', () => {
    for (const each of [...all]) each()
  })
  waiting.set(signal, all)
  return all
}

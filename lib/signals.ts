const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Calls `handler` at the first SIGTERM or SIGINT; a second one then ends the process, as it does by default.
 *
 * @returns a function that stops listening
 */
export function onSignals(handler: () => void): () => void {
  const stop = () => {
    for (const signal of SIGNALS) process.removeListener(signal, once)
  }
  const once = () => {
    stop()
    handler()
  }
  for (const signal of SIGNALS) process.on(signal, once)
  return stop
}

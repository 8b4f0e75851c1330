/**
 * The stack of whoever calls a function, in development: under `NODE_ENV=production` undefined, because it costs more
 * than all else that a pipeline does to begin.
 *
 * @param called the function; the stack begins with its caller
 */
export function callSite(called: (...args: never[]) => unknown): string | undefined {
  const { NODE_ENV } = process.env
  if (NODE_ENV === 'production') return undefined
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, called)
  return holder.stack?.replace(/^.*\n/, '')
}

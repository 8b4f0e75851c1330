/** An error that the server replied, as ioredis shows it. */
export function replyError(text: string): Error {
  return Object.assign(new Error(text), { name: 'ReplyError' })
}

export const NO_FLOAT = 'ERR value is not a valid float'
export const NO_INTEGER = 'ERR value is not an integer or out of range'
export const SYNTAX = 'ERR syntax error'

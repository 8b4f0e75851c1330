export type { MarbleMessages, MarbleOptions } from './marbleMessages.ts'
export { marbleMessages } from './marbleMessages.ts'

export type { RedisLike, RedisReplies, ZaddEntry, ZaddToOptions } from './zaddTo.ts'
export { zaddTo } from './zaddTo.ts'

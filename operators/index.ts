export type { Missed, OnMiss } from '../lib/onMiss.ts'
export type {
  EnrichFromInfluxOptions,
  FluxQuery,
  FluxRow,
  InfluxFields,
  InfluxFound,
  InfluxLike,
  InfluxLookup,
  InfluxPoint,
  InfluxValue,
} from './enrichFromInflux/enrichFromInflux.ts'
export { enrichFromInflux } from './enrichFromInflux/enrichFromInflux.ts'

export type {
  FetchLike,
  HttpAnswer,
  HttpBody,
  HttpHeaders,
  HttpMethod,
  HttpResponse,
  HttpTarget,
  IntoAnswer,
  PostInit,
  PostToOptions,
  ResponseLike,
} from './postTo/postTo.ts'
export { postTo } from './postTo/postTo.ts'
export { matchText } from './searchEs/matchText.ts'
export type {
  EsDoc,
  EsDocs,
  EsGet,
  EsHit,
  EsLike,
  EsReplies,
  EsReply,
  EsRequestOptions,
  EsSearch,
  SearchEsOptions,
} from './searchEs/searchEs.ts'
export { searchEs } from './searchEs/searchEs.ts'
export type { Outgoing, Routed, SendLike, SendToOptions } from './sendTo/sendTo.ts'
export { sendTo } from './sendTo/sendTo.ts'
export type {
  NodeRedisClient,
  NodeRedisCluster,
  RedisLike,
  RedisReplies,
  ZaddDedupe,
  ZaddEntry,
  ZaddIncrOptions,
  ZaddSetOptions,
  ZaddToOptions,
  ZaddWhen,
} from './zaddTo/zaddTo.ts'
export { nodeRedis, zaddTo } from './zaddTo/zaddTo.ts'

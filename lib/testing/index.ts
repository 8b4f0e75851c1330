export type { DrawnTopicOptions } from './drawnTopics.ts'
export type { Expectations, NamedErrors, NamedOffsets } from './expectations.ts'
export type { ExploreOptions } from './explore/explore.ts'
export { explore } from './explore/explore.ts'
export type { Fault } from './explore/life.ts'
export type { World } from './explore/world.ts'
export type { EsItem, EsRefusal, EsWanted, FakeEs } from './fakes/es/fakeEs.ts'
export { fakeEs } from './fakes/es/fakeEs.ts'
export type {
  FakeHttp,
  FakeHttpOptions,
  FakeRequestInit,
  FakeResponse,
  HttpReply,
  HttpRequest,
} from './fakes/fakeHttp.ts'
export { fakeHttp, res } from './fakes/fakeHttp.ts'
export type { FakeInflux, InfluxQuery, InfluxRefusal } from './fakes/influx/fakeInflux.ts'
export { fakeInflux } from './fakes/influx/fakeInflux.ts'
export type { InfluxWrite } from './fakes/influx/points.ts'
export type { FakeRedis, RedisWords } from './fakes/redis/fakeRedis.ts'
export { fakeRedis } from './fakes/redis/fakeRedis.ts'
export type { RedisReply, RedisUnit } from './fakes/redis/transaction.ts'
export type { Call, Drawings, FakeErrors, Letters, Scripted } from './fakes/scripted.ts'
export type { DrawnValues } from './hotOn.ts'
export type { AsyncKit, KafkaTest, KafkaTestOptions, SyncKit } from './kafkaTest.ts'
export { kafkaTest } from './kafkaTest.ts'
export type { Expected, ExpectedOutput, Kit, KitTime } from './kit.ts'
export type { PipeOf } from './pipe.ts'

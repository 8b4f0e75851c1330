// In the order of a message's journey.

export { ack } from './ack.ts'
export type { AlarmAction } from './alarms.ts'
export type { Answer, CacheOptions } from './answerCache.ts'
export type { RetryOptions } from './backoff.ts'
export type { Until } from './bounds.ts'
export type {
  Acks,
  AssignedPartition,
  Broker,
  CommitPosition,
  Compression,
  ConsumeOptions,
  Consumer,
  ConsumerHandler,
  Headers,
  HeaderValue,
  LogRange,
  OutgoingMessage,
  Position,
  RawMessage,
  SendDone,
  SendOptions,
  TopicPartition,
  TransactionalProducer,
  TransactionNames,
} from './broker.ts'
export type { Clock, Timer } from './clock.ts'
export { systemClock } from './clock.ts'
export type { Codec } from './codec.ts'
export { bytes, json, text, tombstones } from './codec.ts'
export type { ErrorClass } from './errors.ts'
export {
  CommitError,
  DecodeError,
  errorClassOf,
  FatalError,
  MessageError,
  MissError,
  PermanentError,
  TransientError,
  UnreadTopicsError,
} from './errors.ts'
export type { OperatorHealth, PartitionHealth, SourceEvent, SourceHealth } from './events.ts'
export { fork } from './fork.ts'
export { fromTopic } from './fromTopic.ts'
export type { IoTsType } from './ioTs.ts'
export type { KafkaClient, Partitioner } from './kafkajs/client.ts'
export type { KafkajsOptions } from './kafkajs/kafkajs.ts'
export { kafkajs } from './kafkajs/kafkajs.ts'
export type { Order } from './lanes.ts'
export type { DeadLetter } from './letter.ts'
export type { Reply } from './lookups.ts'
export type { Member, Members } from './members.ts'
export type { MemoryBroker, MemoryBrokerOptions } from './memory/memoryBroker.ts'
export { memoryBroker } from './memory/memoryBroker.ts'
export type { CommitAttempt } from './memory/memoryConsumer.ts'
export type { StoredMessage } from './memory/memoryLog.ts'
export type { Message } from './message.ts'
export type { Missed, OnMiss } from './onMiss.ts'
export type { Failure, NackAction, NackPolicy, OnNack, RetryPolicy } from './onNack.ts'
export { deadLetter, retry } from './onNack.ts'
export type { BatchOptions, RequestOptions } from './operatorOptions.ts'
export { operatorOptions } from './operatorOptions.ts'
export type { OnOutOfRange } from './outOfRange.ts'
export type { Batch, Outcome, PerBatchOptions } from './perBatch.ts'
export { perBatch } from './perBatch.ts'
export type { LookupBatch, PerLookupOptions } from './perLookup.ts'
export { perLookup } from './perLookup.ts'
export type { PerMessageOptions } from './perMessage.ts'
export { perMessage } from './perMessage.ts'
export type { RateLimit, RateLimitOptions } from './rateLimit.ts'
export { rateLimit } from './rateLimit.ts'
export type { Replayed, ReplayOptions } from './replayDeadLetters.ts'
export { replayDeadLetters } from './replayDeadLetters.ts'
export type { Running, RunOptions } from './run.ts'
export { run } from './run.ts'
export type { SourceOptions } from './sourceOptions.ts'
export type { StandardSchema } from './standardSchema.ts'
export type { ReadableTopic, Topic, WritableTopic } from './topic.ts'
export { topic } from './topic.ts'
export type { Transaction, TransactionOptions } from './transaction.ts'
export { transaction } from './transaction.ts'
export { filterValue, flatMapValue, mapValue, tapValue } from './values.ts'

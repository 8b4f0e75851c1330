import { CommitError, FatalError, messageOf, PermanentError, TransientError } from '../errors.ts'

/** What KafkaJS throws: `type` is the broker's word, `cause` what a retry gave up on. */
interface ClientError {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
}

const FENCED = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']
const TOO_LARGE = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'CORRUPT_MESSAGE',
]
/** What a transactional producer hears that must begin anew. */
const PRODUCER_FENCED = ['INVALID_PRODUCER_EPOCH', 'TRANSACTION_COORDINATOR_FENCED', 'INVALID_PRODUCER_ID_MAPPING']

/** What no further try can mend, and what to do about it. */
const FATAL: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'the topic does not exist; create it, or correct its name',
  INVALID_TOPIC_EXCEPTION: 'the name is not one Kafka allows; correct it',
  TOPIC_AUTHORIZATION_FAILED: 'these credentials may not use the topic; grant them access to it',
  GROUP_AUTHORIZATION_FAILED: 'these credentials may not use the consumer group; grant them READ on it',
  CLUSTER_AUTHORIZATION_FAILED: 'these credentials lack a right on the cluster; grant it',
  SASL_AUTHENTICATION_FAILED: 'the broker refused the credentials; correct `sasl` of the Kafka instance',
  KafkaJSSASLAuthenticationError: 'the broker refused the credentials; correct `sasl` of the Kafka instance',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not offer this SASL mechanism; correct `sasl` of the Kafka instance',
  INCONSISTENT_GROUP_PROTOCOL: 'the group has members that assign partitions in another way; use another groupId',
  INVALID_GROUP_ID: 'Kafka does not allow this groupId; use another',
  INVALID_SESSION_TIMEOUT:
    'the broker does not allow this sessionTimeout; see its group.min and max.session.timeout.ms',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    'these credentials may not use the transactional id; grant them WRITE and DESCRIBE on it',
  INVALID_TRANSACTION_TIMEOUT:
    'the broker does not allow this timeout of transactions; see its transaction.max.timeout.ms',
  KafkaJSNotImplemented: 'the messages are compressed by a codec that KafkaJS lacks; add it to its CompressionCodecs',
}

/** An error and its causes, from the outermost. */
export function chainOf(error: unknown): readonly ClientError[] {
  const chain: ClientError[] = []
  for (let at = error; at instanceof Error && chain.length < 10; at = at.cause) chain.push(at as ClientError)
  return chain
}

/** The broker's word for what went wrong. */
export function typeOf(error: unknown): string | undefined {
  return chainOf(error).find(({ type }) => type !== undefined)?.type
}

/** Whether the broker no longer counts this member in. */
export function isFenced(error: unknown): boolean {
  return FENCED.includes(typeOf(error) ?? '')
}

/** Tells the kind of a refused commit. */
export function commitError(error: unknown): CommitError {
  const type = typeOf(error)
  return new CommitError(commitKind(type, error), `Cannot commit offsets: ${messageOf(error)}`, { cause: error })
}

function commitKind(type: string | undefined, error: unknown): CommitError['kind'] {
  if (type === 'REBALANCE_IN_PROGRESS') return 'rebalancing'
  if (FENCED.includes(type ?? '')) return 'fenced'
  if (type === 'OFFSET_METADATA_TOO_LARGE') return 'metadata'
  const refused = adviceFor(error) !== undefined
  return refused || type === 'INVALID_COMMIT_OFFSET_SIZE' ? 'fatal' : 'retriable'
}

/**
 * Tells the class of what ended a consumer. Whatever is not known to be final passes by itself: a member that gives up
 * is worse than one that tries in vain.
 *
 * @param what what was being done, in words
 */
export function consumeError(error: unknown, what: string): FatalError | TransientError {
  if (error instanceof FatalError || error instanceof TransientError) return error
  const advice = adviceFor(error)
  if (advice !== undefined) return new FatalError(`Cannot ${what}: ${advice}`, { cause: error })
  return new TransientError(`Cannot ${what}: ${messageOf(error)}`, { cause: error })
}

/** Tells the class of a failed send. */
export function sendError(error: unknown, topics: readonly string[]): Error {
  return produceError(error, `Cannot send to ${topics.join(', ')}`)
}

/** Tells the class of what a producer failed with. @param what what was being done, in words */
export function produceError(error: unknown, what: string): Error {
  const type = typeOf(error) ?? ''
  const isOurs = chainOf(error).some((one) => one instanceof PermanentError)
  if (isOurs || TOO_LARGE.includes(type)) return new PermanentError(`${what}: ${messageOf(error)}`, { cause: error })
  if (PRODUCER_FENCED.includes(type)) return new TransientError(`${what}: ${ID_TAKEN}`, { cause: error })
  const advice = adviceFor(error)
  if (advice !== undefined) return new FatalError(`${what}: ${advice}`, { cause: error })
  return new TransientError(`${what}: ${messageOf(error)}`, { cause: error })
}

const ID_TAKEN =
  'another producer has taken its transactional id, or its transaction was open for longer than its timeout'

function adviceFor(error: unknown): string | undefined {
  for (const { type = '', name = '' } of chainOf(error)) {
    const advice = FATAL[type] ?? FATAL[name]
    if (advice !== undefined) return advice
  }
  return undefined
}

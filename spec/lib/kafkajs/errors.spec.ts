import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { errorClassOf } from '../../../lib/errors.ts'
import { commitError, consumeError } from '../../../lib/kafkajs/errors.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error & { type: string }
}

describe('a refused commit', () => {
  it.each([
    [27, 'REBALANCE_IN_PROGRESS', 'rebalancing'],
    [22, 'ILLEGAL_GENERATION', 'fenced'],
    [25, 'UNKNOWN_MEMBER_ID', 'fenced'],
    [82, 'FENCED_INSTANCE_ID', 'fenced'],
    [12, 'OFFSET_METADATA_TOO_LARGE', 'metadata'],
    [7, 'REQUEST_TIMED_OUT', 'retriable'],
    [14, 'GROUP_LOAD_IN_PROGRESS', 'retriable'],
    [15, 'GROUP_COORDINATOR_NOT_AVAILABLE', 'retriable'],
    [16, 'NOT_COORDINATOR_FOR_GROUP', 'retriable'],
    [13, 'NETWORK_EXCEPTION', 'retriable'],
    [-1, 'UNKNOWN', 'retriable'],
    [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'fatal'],
    [24, 'INVALID_GROUP_ID', 'fatal'],
    [28, 'INVALID_COMMIT_OFFSET_SIZE', 'fatal'],
    [29, 'TOPIC_AUTHORIZATION_FAILED', 'fatal'],
    [30, 'GROUP_AUTHORIZATION_FAILED', 'fatal'],
  ] as const)('with code %i, %s, is %s, also when KafkaJS gave up on it', (code, type, kind) => {
    const error = createErrorFromCode(code)
    expect(error.type).toBe(type)
    expect(commitError(error).kind).toBe(kind)
    expect(commitError(new Error('Number of retries exceeded', { cause: error })).kind).toBe(kind)
  })

  it('for a reason that the broker did not give is retriable', () => {
    expect(commitError(new Error('Connection closed')).kind).toBe('retriable')
    expect(commitError('no error').kind).toBe('retriable')
  })
})

describe('what ended a consumer', () => {
  it.each([
    [1, 'OFFSET_OUT_OF_RANGE', 'transient'],
    [6, 'NOT_LEADER_FOR_PARTITION', 'transient'],
    [14, 'GROUP_LOAD_IN_PROGRESS', 'transient'],
    [15, 'GROUP_COORDINATOR_NOT_AVAILABLE', 'transient'],
    [25, 'UNKNOWN_MEMBER_ID', 'transient'],
    [27, 'REBALANCE_IN_PROGRESS', 'transient'],
    [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'fatal'],
    [17, 'INVALID_TOPIC_EXCEPTION', 'fatal'],
    [23, 'INCONSISTENT_GROUP_PROTOCOL', 'fatal'],
    [26, 'INVALID_SESSION_TIMEOUT', 'fatal'],
    [29, 'TOPIC_AUTHORIZATION_FAILED', 'fatal'],
    [30, 'GROUP_AUTHORIZATION_FAILED', 'fatal'],
    [31, 'CLUSTER_AUTHORIZATION_FAILED', 'fatal'],
    [33, 'UNSUPPORTED_SASL_MECHANISM', 'fatal'],
    [58, 'SASL_AUTHENTICATION_FAILED', 'fatal'],
    [50, 'INVALID_TRANSACTION_TIMEOUT', 'fatal'],
    [51, 'CONCURRENT_TRANSACTIONS', 'transient'],
    [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'fatal'],
  ] as const)('with code %i, %s, is %s', (code, type, errorClass) => {
    const error = createErrorFromCode(code)
    expect(error.type).toBe(type)
    const told = consumeError(new Error('Number of retries exceeded', { cause: error }), 'read orders')
    expect(errorClassOf(told)).toBe(errorClass)
    expect(told.message).toMatch(/^Cannot read orders: /)
  })
})

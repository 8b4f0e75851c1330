/** What Elasticsearch says of a failure. */
export interface EsFailure {
  readonly status: number
  readonly error: { readonly type: string; readonly reason: string; readonly root_cause: readonly object[] }
}

/** Writes a failure: of one search, or of a whole request. */
export function failure(status: number, type: string, reason: string, more: object = {}): EsFailure {
  const cause = { type, reason, ...more }
  return { status, error: { root_cause: [cause], ...cause } }
}

/** A refused request, as the client shows it. */
export function responseError(body: EsFailure, retryAfter = 0): Error {
  const { status: statusCode, error } = body
  const wait = retryAfter === 0 ? {} : { 'retry-after': String(retryAfter) }
  const headers = { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json', ...wait }
  const text = `${error.type}\n\tRoot causes:\n\t\t${error.type}: ${error.reason}`
  return Object.assign(new Error(text), {
    name: 'ResponseError',
    statusCode,
    body,
    headers,
    meta: { statusCode, body, headers },
  })
}

/** A request that got no answer, as the client shows it. */
export function connectionError(text: string): Error {
  return Object.assign(new Error(text), { name: 'ConnectionError', meta: { statusCode: 0, headers: {} } })
}

export function noSuchIndex(index: string): EsFailure {
  const more = { 'resource.type': 'index_or_alias', 'resource.id': index, index_uuid: '_na_', index }
  return failure(404, 'index_not_found_exception', `no such index [${index}]`, more)
}

import { type EsFailure, failure } from './errors.ts'
import { type EsIndex, type EsSource, valuesOf } from './esIndex.ts'
import { rarity, type Scores, scoresOfWord } from './scores.ts'
import { wordsOf } from './words.ts'

type Body = Readonly<Record<string, unknown>>
type Query = (index: EsIndex, body: Body) => Scores

/** A search that is refused: alone, or with all that came with it, because the request can't be read. */
export class Refused extends Error {
  readonly failure: EsFailure
  readonly isUnreadable: boolean

  constructor(refusal: EsFailure, isUnreadable: boolean) {
    super(refusal.error.reason)
    this.failure = refusal
    this.isUnreadable = isUnreadable
  }
}

const QUERIES: Readonly<Record<string, Query>> = {
  match_all: (index) => constant(index, () => true),
  ids: (index, { values }) => constant(index, (_source, id) => listOf(values).includes(id)),
  match: (index, body) => onField(body, 'query', (field, text, more) => match(index, field, text, more)),
  multi_match: multiMatch,
  term: (index, body) => onField(body, 'value', (field, value) => term(index, field, value)),
  bool,
}

/**
 * The documents that a query finds.
 *
 * @throws Refused
 */
export function find(index: EsIndex, query: unknown): Scores {
  const [name = '', ...others] = Object.keys((query ?? {}) as object)
  const found = QUERIES[name]
  if (found === undefined || others.length > 0) unreadable(`unknown query [${[name, ...others].join(' ')}]`)
  return found(index, (query as Record<string, Body>)[name] as Body)
}

/** Refuses a request that can't be read, or says what the fake has not. */
export function unreadable(what: string): never {
  throw new Refused(failure(400, 'parsing_exception', `${what}, to the fake Elasticsearch at least`), true)
}

function match(index: EsIndex, field: string, text: unknown, { operator = 'or', ...more }: Body): Scores {
  if (Object.keys(more).length > 0) unreadable(`[match] query does not support [${Object.keys(more)}]`)
  if (isExact(index, field)) return term(index, field, numberOf(index, text))
  const words = [...new Set(wordsOf(String(text)))].map((word) => scoresOfWord(index, field, word))
  const isAll = String(operator).toLowerCase() === 'and'
  return sum(words, (count) => (isAll ? count === words.length : count > 0))
}

function multiMatch(index: EsIndex, { query, fields, ...more }: Body): Scores {
  const best = new Map<string, number>()
  for (const named of listOf(fields)) {
    const [field = '', boost = '1'] = String(named).split('^')
    for (const [id, score] of match(index, field, query, more))
      best.set(id, Math.max(best.get(id) ?? 0, score * Number(boost)))
  }
  return best
}

function term(index: EsIndex, field: string, value: unknown): Scores {
  const exact = field.replace(/\.keyword$/, '')
  if (exact === field && !isExact(index, field)) return scoresOfWord(index, field, String(value))
  const found = constant(index, (source) => keywordsOf(source, exact).includes(value))
  if (typeof value !== 'string') return found
  const all = constant(index, (source) => keywordsOf(source, exact).length > 0)
  return new Map([...found.keys()].map((id) => [id, Math.fround(rarity(found.size, all.size))]))
}

/** By itself Elasticsearch keeps no keyword of more than 256 characters. */
function keywordsOf(source: EsSource, field: string): readonly unknown[] {
  return valuesOf(source, field).filter((value) => typeof value !== 'string' || value.length <= 256)
}

function bool(index: EsIndex, { must, should, filter, must_not, ...more }: Body): Scores {
  if (Object.keys(more).length > 0) unreadable(`[bool] query does not support [${Object.keys(more)}]`)
  const all = (queries: unknown) => listOf(queries).map((query) => find(index, query))
  const [musts, shoulds, filters, nots] = [all(must), all(should), all(filter), all(must_not)]
  const isChoice = shoulds.length > 0 && musts.length + filters.length === 0
  const isFound = (id: string) =>
    [...musts, ...filters].every((found) => found.has(id)) &&
    !nots.some((found) => found.has(id)) &&
    (!isChoice || shoulds.some((found) => found.has(id)))
  const scored = sum([...musts, ...shoulds], () => true)
  const ids = [...index.documents.keys()].filter(isFound)
  const plain = musts.length + shoulds.length + filters.length === 0 ? 1 : 0
  return new Map(ids.map((id) => [id, scored.get(id) ?? plain]))
}

/** Adds scores up, of the documents that enough have. */
function sum(all: readonly Scores[], isEnough: (count: number) => boolean): Scores {
  const sums = new Map<string, { score: number; count: number }>()
  for (const [id, score] of all.flatMap((scores) => [...scores])) {
    const found = sums.get(id) ?? { score: 0, count: 0 }
    sums.set(id, { score: found.score + score, count: found.count + 1 })
  }
  return new Map([...sums].filter(([, { count }]) => isEnough(count)).map(([id, { score }]) => [id, score]))
}

function constant(index: EsIndex, isFound: (source: EsSource, id: string) => boolean): Scores {
  return new Map([...index.documents.values()].filter(({ source, id }) => isFound(source, id)).map(({ id }) => [id, 1]))
}

/** Whether a field's values are no texts: as the first document has it. */
function isExact(index: EsIndex, field: string): boolean {
  for (const { source } of index.documents.values()) {
    const [value] = valuesOf(source, field)
    if (value !== undefined) return typeof value !== 'string'
  }
  return false
}

function numberOf(index: EsIndex, text: unknown): unknown {
  if (typeof text !== 'string') return text
  if (text.trim() !== '' && !Number.isNaN(Number(text))) return Number(text)
  const reason = `failed to create query: For input string: ${JSON.stringify(text)}`
  const root = { type: 'query_shard_exception', reason, index: index.name }
  throw new Refused(
    {
      status: 400,
      error: { root_cause: [root], type: 'search_phase_execution_exception', reason: 'all shards failed' },
    },
    false,
  )
}

/** Reads `{ field: value }` or `{ field: { [key]: value, … } }`. */
function onField(body: Body, key: string, work: (field: string, value: unknown, more: Body) => Scores): Scores {
  const [field = '', ...others] = Object.keys(body ?? {})
  if (field === '' || others.length > 0) unreadable('a query of one field was expected')
  const given = body[field]
  if (typeof given !== 'object' || given === null) return work(field, given, {})
  const { [key]: value, ...more } = given as Body
  return work(field, value, more)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}

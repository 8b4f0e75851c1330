import * as t from 'io-ts'
import { ack, type Broker, fromTopic, topic } from 'rxjs-kafka-toolkit'
import { type EsLike, type EsSearch, searchEs, sendTo } from 'rxjs-kafka-toolkit/operators'
import type { PipelineOptions } from './PipelineOptions.ts'

const Search = t.type({ query_string: t.string })
const Article = t.type({ text: t.string })
const Hit = t.type({ _index: t.string, _id: t.string, _score: t.union([t.number, t.null]), _source: Article })
const Answer = t.intersection([Search, t.type({ top_result: t.union([Hit, t.null]) })])

type Find = EsSearch<t.TypeOf<typeof Article>>

/** Answers each search with the article that fits it best, or with null. */
export function answerSearches(kafka: Broker, es: EsLike, { prefix = '', ...options }: PipelineOptions = {}) {
  const searches = topic(`${prefix}search_queries`, Search)
  const answers = topic(`${prefix}top_results_topic`, Answer)
  const find = (text: string): Find => ({ index: `${prefix}search_index`, query: { match: { text } } })
  return fromTopic(kafka, searches, { groupId: `${prefix}answer-searches`, ...options }).pipe(
    searchEs(es, (q) => find(q.query_string), { into: 'top_result' }),
    sendTo(kafka, answers, (q) => ({ key: q.top_result?._id ?? null, value: q })),
    ack(),
  )
}

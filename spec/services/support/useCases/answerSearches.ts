import { esClient } from '../clients.ts'
import { counted } from '../counted.ts'
import type { RealKafka } from '../kafka.ts'
import { type Draw, pick } from '../seeded.ts'
import { type Lying, readTopic } from '../topicLog.ts'
import type { UseCase, UseCaseOptions } from '../useCase.ts'
import { type Article, Ranking } from './bm25.ts'

const WORDS = ['red', 'blue', 'small', 'large', 'old', 'new', 'fast', 'slow', 'car', 'boat', 'house', 'tree', 'lamp']
/** What a query language would read; here it is text, of which no article has a word. */
const HOSTILE = ['"', '{"match_all":{}}', '*', 'title:x OR *', '\n', '$\x7bxx}', '\\', '") |> drop()']
const ARTICLES = 400

/** Each query has a word of its own, which no article has, so that the answer tells its query. */
export async function answerSearchesCase(real: RealKafka, draw: Draw, options: UseCaseOptions): Promise<UseCase> {
  const prefix = `${real.uniqueName('rkt')}-`
  const input = `${prefix}search_queries`
  const output = `${prefix}top_results_topic`
  await real.createTopic(input, options.partitions)
  await real.createTopic(output, options.partitions)
  const es = esClient()
  const index = `${prefix}search_index`
  const articles = Array.from({ length: ARTICLES }, (_, i) => article(draw, i))
  await load(es, index, articles)
  const ranking = new Ranking(articles)
  const queries = Array.from({ length: options.count }, (_, i) => decidedQuery(draw, i, ranking))
  const lying = () => readTopic(real, output)
  return {
    prefix,
    input,
    groupId: `${prefix}answer-searches`,
    place: {},
    messages: queries.map((query_string, i) => ({
      key: `session-${i % 100}`,
      value: JSON.stringify({ query_string }),
    })),
    expected: new Map(queries.map((query) => [query, answerOf(index, ranking.best(query))])),
    actual: async () => new Map((await lying()).map((message) => [queryOf(message), shown(message)])),
    effects: async () => counted((await lying()).map(queryOf)),
    close: async () => {
      await es.indices.delete({ index })
      await es.close()
    },
  }
}

function article(draw: Draw, i: number): Article {
  const words = Array.from({ length: 2 + draw(12) }, () => pick(draw, WORDS))
  return { id: `article-${i}`, text: words.join(' ') }
}

/** Two scores that differ by a rounding error would make the comparison a matter of luck. */
function decidedQuery(draw: Draw, i: number, ranking: Ranking): string {
  for (;;) {
    const words = Array.from({ length: draw(4) }, () => pick(draw, WORDS))
    if (draw(10) === 0) words.push(pick(draw, HOSTILE))
    const query = [...words, `q${i}`].join(' ')
    if (ranking.isDecided(query)) return query
  }
}

async function load(es: ReturnType<typeof esClient>, index: string, articles: readonly Article[]): Promise<void> {
  const settings = { number_of_shards: 1, number_of_replicas: 0 }
  await es.indices.create({ index, settings, mappings: { properties: { text: { type: 'text' } } } })
  const operations = articles.flatMap(({ id, text }) => [{ index: { _index: index, _id: id } }, { text }])
  const { errors } = await es.bulk({ operations, refresh: true })
  if (errors) throw new Error('Cannot load the articles')
}

function answerOf(index: string, best: Article | null) {
  const top_result = best === null ? null : { _index: index, _id: best.id, _source: { text: best.text } }
  return { key: best?.id ?? null, top_result }
}

function queryOf({ value }: Lying): string {
  return JSON.parse(value ?? '{}').query_string
}

/** All but the score, which is a number of 32 bits there. */
function shown({ key, value }: Lying) {
  const { top_result } = JSON.parse(value ?? '{}')
  if (top_result === null) return { key, top_result }
  const { _score, ...rest } = top_result
  if (!(_score > 0)) throw new Error(`Expected a score above 0, got ${_score}`)
  return { key, top_result: rest }
}

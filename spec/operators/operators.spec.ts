import { enrichFromInflux, postTo, searchEs, zaddTo } from '../../operators/index.ts'
import { type Item, operatorSuite } from './operator.suite.ts'

/** Passes a value on as it came. */
const into = (value: Item) => value

operatorSuite('zaddTo', {
  server: ({ redis }) => redis,
  operator: ({ redis }, idOf, options) =>
    zaddTo(redis, (value: Item) => ({ key: value.key, score: 0, member: idOf(value) }), options),
  isBatched: true,
})

operatorSuite('postTo', {
  server: ({ http }) => http,
  operator: ({ http }, idOf, options) => postTo('http://server', idOf, { ...options, fetch: http.fetch }),
  isBatched: false,
})

operatorSuite('enrichFromInflux', {
  server: ({ influx }) => influx,
  operator: ({ influx }, idOf, options) => {
    influx.write('marketdata', [])
    return enrichFromInflux(
      influx,
      (value: Item) => ({ measurement: 'stock', field: 'price', tags: { symbol: idOf(value) }, at: new Date(0) }),
      { concurrency: 16, ...options, org: 'org', bucket: 'marketdata', into },
    )
  },
  isBatched: true,
})

operatorSuite('searchEs', {
  server: ({ es }) => es,
  operator: ({ es }, idOf, options) => {
    es.put('articles', {})
    return searchEs(es, (value: Item) => ({ index: 'articles', id: idOf(value) }), {
      concurrency: 16,
      ...options,
      into,
    })
  },
  isBatched: true,
})

import { map, mergeMap, retry, throwError, timer } from 'rxjs'
import { text } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import { perBatch } from '../../lib/perBatch.ts'
import { perLookup } from '../../lib/perLookup.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { topic } from '../../lib/topic.ts'
import { enrichFromInflux, postTo, searchEs, sendTo, zaddTo } from '../../operators/index.ts'
import { scriptedServer } from '../support/scriptedServer.ts'
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

operatorSuite('sendTo', {
  server: scriptedServer,
  operator: (kit, idOf, options) =>
    sendTo(scriptedServer(kit), topic('sent', text), (value: Item) => ({ key: null, value: idOf(value) }), options),
  isBatched: true,
})

operatorSuite('perBatch', {
  server: scriptedServer,
  operator: (kit, idOf, options) =>
    perBatch(
      idOf,
      (ids, { messages }) =>
        scriptedServer(kit)
          .ask(ids)
          .pipe(map((errors) => messages.map(({ value }, i) => (errors[i] ? { error: errors[i] } : { value })))),
      options,
    ),
  isBatched: true,
})

operatorSuite('perLookup', {
  server: scriptedServer,
  operator: (kit, idOf, options) =>
    perLookup(
      idOf,
      (ids) =>
        scriptedServer(kit)
          .ask(ids)
          .pipe(map((errors) => errors.map((error) => (error ? { error } : { found: null })))),
      { ...options, into },
    ),
  isBatched: true,
})

operatorSuite('perMessage', {
  server: scriptedServer,
  operator: (kit, idOf, { concurrency = 16 }) =>
    perMessage(
      mergeMap((value: Item) =>
        scriptedServer(kit)
          .ask([idOf(value)])
          .pipe(
            map(([error]) => {
              if (error) throw error
              return value
            }),
            retry({ delay: (error) => (error instanceof TransientError ? timer(4) : throwError(() => error)) }),
          ),
      ),
      { concurrency },
    ),
  isBatched: false, // Its chain nacks, and a source that stops lets what is under way settle.
  endsAtOnce: false,
})

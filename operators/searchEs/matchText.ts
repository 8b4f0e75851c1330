import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'

/**
 * The query for what a user typed: documents with its words. No character of it is an operator, and whatever is no text
 * is refused, so that data can't become a part of the query.
 *
 * ```ts
 * searchEs(es, (q) => ({ index: 'articles', query: matchText(q.text, 'title^2', 'body') }), { into: 'top' })
 * ```
 *
 * @param text what was typed
 * @param fields where to look; `^2` counts double
 * @throws PermanentError when it is no text: the message is nacked
 */
export function matchText(text: string, ...fields: readonly [string, ...string[]]): object {
  if (typeof text !== 'string') {
    throw new PermanentError(`Expected the text of matchText to be a string, got ${excerpt(text)}`)
  }
  return { multi_match: { query: text, fields } }
}

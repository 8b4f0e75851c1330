import { ExpiringCache } from '../../lib/answerCache.ts'
import type { Found } from './hits.ts'

/** Keeps answers for a while, but none that only some of the shards gave: the next may be whole. */
export class WholeAnswers<R, S> extends ExpiringCache<R, Found<S>> {
  override set(request: R, answer: Found<S>, asked: number): void {
    if (answer.isPartial !== true) super.set(request, answer, asked)
  }
}

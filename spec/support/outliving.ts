import { ignoreElements, Subject, tap } from 'rxjs'
import type { Message } from '../../lib/message.ts'
import type { DrawnTopicOptions } from '../../lib/testing/drawnTopics.ts'
import type { Kit } from '../../lib/testing/kit.ts'

/** Draws messages of a source that lives on when the pipe has ended: so it is seen what the pipe then abandons. */
export function outliving(
  { topic, expectOutput }: Kit,
  drawing: string,
  options: DrawnTopicOptions<string> = {},
): Subject<Message<string>> {
  const messages = new Subject<Message<string>>()
  expectOutput(topic(drawing, {}, { ...options, onNack: 'skip' }).pipe(tap(messages), ignoreElements()))
  return messages
}

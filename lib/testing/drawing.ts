import { refuse } from '../expect.ts'
import { type Mark, readMarbles } from './marbles.ts'

/** The lanes of a drawing, by their labels. */
export type Drawing = ReadonlyMap<string, readonly Mark[]>

/** A label, a colon, then marbles. */
const LANE = /^\s*(\d+|ctl|[\w.-]+\[\d+\])\s*:(.*)$/

/** What the lanes of a drawing may be: of a topic that is drawn, or of partitions of which something is expected. */
const LABELS = {
  topic: { labels: /^(\d+|ctl(\[\d+\])?)$/, words: 'lanes 0: 1: … and ctl: ctl[0]: …' },
  partitions: { labels: /^(\d+|.*\[\d+\])$/, words: 'lanes 0: 1: … or orders[0]:' },
}

/**
 * Reads a drawing: a line a lane, its label before a colon. One line without a label is partition 0.
 *
 *     0:   a-b-c
 *     1:   -x-y
 *     ctl: ---X
 *
 * @param what whose drawing it is, for the error
 * @throws TypeError when a lane can't be there, or comes twice
 */
export function readDrawing(drawing: string, what: string, kind: keyof typeof LABELS = 'partitions'): Drawing {
  const { labels, words } = LABELS[kind]
  const lines = drawing.split('\n').filter((line) => line.trim() !== '')
  const lanes = new Map<string, readonly Mark[]>()
  for (const line of lines) {
    const [, label = '0', marbles = line] = LANE.exec(line) ?? []
    if (lanes.has(label) || !labels.test(label)) refuse(what, `${words}, each once`, drawing)
    lanes.set(label, readMarbles(marbles, what))
  }
  return lanes
}

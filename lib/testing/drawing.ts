import { refuse } from '../expect.ts'
import { type Mark, readMarbles } from './marbles.ts'

/** The lanes of a drawing, by their labels. */
export type Drawing = ReadonlyMap<string, readonly Mark[]>

/** `0:`, `orders[0]:` or `ctl:`, then marbles. */
const LANE = /^\s*(\d+|ctl|[\w.-]+\[\d+\])\s*:(.*)$/

/**
 * Reads a drawing: a line a lane, its label before a colon. One line without a label is partition 0.
 *
 *     0:   a-b-c
 *     1:   -x-y
 *     ctl: ---X
 *
 * @throws TypeError when a line is no lane, or a label comes twice
 */
export function readDrawing(drawing: string, what: string): Drawing {
  const lines = drawing.split('\n').filter((line) => line.trim() !== '')
  const lanes = new Map<string, readonly Mark[]>()
  for (const line of lines) {
    const [, label = '0', marbles = line] = LANE.exec(line) ?? []
    if (lanes.has(label)) refuse(what, 'lanes with labels of their own (0: 1: ctl:)', drawing)
    lanes.set(label, readMarbles(marbles, what))
  }
  return lanes
}

import type { Make } from './messages.ts'

/** What a run reads. */
export interface Load extends Make {
  readonly partitions: number
  /** Messages measured, after those of the warm-up. */
  readonly messages: number
  readonly warmUp: number
  /** Messages a second that are sent while they are read; otherwise all are there when the run begins. */
  readonly rate?: number
}

/** Messages in the topic. */
export const totalOf = ({ warmUp, messages }: Load): number => warmUp + messages

/** A tenth of it, to see that a case runs. */
export function quickly(load: Load): Load {
  const tenth = (count: number) => Math.max(50, Math.round(count / 10))
  return { ...load, warmUp: tenth(load.warmUp), messages: tenth(load.messages) }
}

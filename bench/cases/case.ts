import type { Load } from '../load.ts'
import type { MetricName } from '../metrics.ts'
import type { MicroName } from '../micro/micros.ts'
import type { StageName } from '../stages/stages.ts'
import type { VariantName } from '../variants/variants.ts'

/** Variants that are a program of Faust. */
export type FaustName = 'faustConsume' | 'faustSave' | 'faustConfirm' | 'faustQuality' | 'faustAnswer'

/** What we want of a figure's median, or of its ratio against the reference. */
export interface Aim {
  readonly metric: MetricName
  readonly ratio?: true
  readonly least?: number
  readonly most?: number
}

/** A variant as the table shows it. */
export interface Row {
  readonly variant: VariantName | FaustName | MicroName
  readonly title: string
  readonly aim?: Aim
  /** What the row is under, such as a number of partitions; the first row under it is the reference of the others. */
  readonly under?: string
  /** Where it reads something else than the rest of the case. */
  readonly load?: Partial<Load>
  /** What the variant is told beside. */
  readonly setting?: number
  /** Whether only `--full` measures it. */
  readonly isFull?: true
}

/** Variants of the same work; the first is the reference. */
export interface Case {
  readonly name: string
  readonly title: string
  /** Where the time goes, and what is not fair. */
  readonly note: string
  /** Whether it is measured when no case is named; the others are for `--full`. */
  readonly isShort?: true
  /** What is read. */
  readonly load: Load
  readonly overKafka: boolean
  /** Whether its variants are operations, measured together in one process. */
  readonly isMicro?: true
  /** The columns beside the variant's. @default rate, cpu, rss */
  readonly columns?: readonly MetricName[]
  /** Where the work goes. */
  readonly stage?: StageName
  readonly rows: readonly [Row, ...Row[]]
}

import type { SourceOptions } from 'rxjs-kafka-toolkit'

/** What the one who starts an example may decide. */
export interface PipelineOptions extends Partial<SourceOptions> {
  /** Goes before the names of topics, groups, keys and indexes, so that several environments can share servers. @default '' */
  readonly prefix?: string
}

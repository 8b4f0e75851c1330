import { wordsOf } from './words.ts'

/** A document as an index holds it. */
export interface EsDocument {
  readonly index: string
  readonly id: string
  readonly source: EsSource
  /** The place of its last writing among all of the index. */
  readonly seqNo: number
  readonly version: number
}

/** What a document says. */
export type EsSource = Readonly<Record<string, unknown>>

/** The words of a text field. */
export interface FieldWords {
  /** For each word how often it is in which document. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** How many words each document has. */
  readonly lengths: ReadonlyMap<string, number>
  readonly average: number
}

/** An index of one shard whose fields are mapped as Elasticsearch does by itself: text, with a `.keyword` beside it. */
export class EsIndex {
  readonly name: string
  readonly documents = new Map<string, EsDocument>()
  private readonly words = new Map<string, FieldWords>()
  private writes = 0

  constructor(name: string) {
    this.name = name
  }

  put(id: string, source: EsSource): void {
    const version = (this.documents.get(id)?.version ?? 0) + 1
    this.documents.set(id, { index: this.name, id, source, seqNo: this.writes++, version })
    this.words.clear()
  }

  wordsOf(field: string): FieldWords {
    const words = this.words.get(field) ?? this.read(field)
    this.words.set(field, words)
    return words
  }

  private read(field: string): FieldWords {
    const counts = new Map<string, Map<string, number>>()
    const lengths = new Map<string, number>()
    for (const { id, source } of this.documents.values()) {
      const words = valuesOf(source, field)
        .filter((value) => typeof value === 'string')
        .flatMap(wordsOf)
      if (words.length > 0) lengths.set(id, words.length)
      for (const word of words) {
        const found = counts.get(word) ?? new Map<string, number>()
        counts.set(word, found.set(id, (found.get(id) ?? 0) + 1))
      }
    }
    const sum = [...lengths.values()].reduce((all, length) => all + length, 0)
    return { counts, lengths, average: sum / lengths.size }
  }
}

/** The values of a field, of which a document may have several; `a.b` is within an object. */
export function valuesOf(source: unknown, field: string): readonly unknown[] {
  const [name = '', ...rest] = field.split('.')
  const value = (source as EsSource | null | undefined)?.[name] ?? []
  const all = Array.isArray(value) ? value : [value]
  return rest.length === 0 ? all : all.flatMap((one) => valuesOf(one, rest.join('.')))
}

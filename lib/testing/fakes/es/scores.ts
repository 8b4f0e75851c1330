import type { EsIndex } from './esIndex.ts'

/** The documents that match, by id, and how well. */
export type Scores = ReadonlyMap<string, number>

/** How soon further occurrences of a word count less, and how much the length of a text does: the defaults of BM25. */
const K1 = 1.2
const B = 0.75

/** The documents that have a word in a text field, scored by BM25. */
export function scoresOfWord(index: EsIndex, field: string, word: string): Scores {
  const { counts, lengths, average } = index.wordsOf(field)
  const found = [...(counts.get(word) ?? [])]
  const weight = (1 + K1) * rarity(found.length, lengths.size)
  return new Map(
    found.map(([id, count]) => {
      const length = kept(lengths.get(id) as number)
      return [id, Math.fround((weight * count) / (count + K1 * (1 - B + (B * length) / average)))]
    }),
  )
}

/** How much it says that a document has what so many of all have. */
export function rarity(having: number, all: number): number {
  return Math.log(1 + (all - having + 0.5) / (having + 0.5))
}

/** Lucene keeps a length in a byte: exactly up to 40, then by its four highest bits. */
function kept(length: number): number {
  if (length < 40) return length
  const unit = 2 ** (Math.floor(Math.log2(length - 24)) - 3)
  return 24 + Math.floor((length - 24) / unit) * unit
}

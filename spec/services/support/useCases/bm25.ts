/** A document. */
export interface Article {
  readonly id: string
  readonly text: string
}

const K1 = 1.2
const B = 0.75
/** Scores that are closer are taken for equal. */
const GAP = 1e-4

/**
 * The score that Elasticsearch gives by default, BM25, worked out from the texts. Exact up to rounding for texts of
 * fewer than 40 words: only longer ones have their length stored in a coarser form.
 */
export class Ranking {
  private readonly articles: readonly Article[]
  private readonly words: readonly (readonly string[])[]
  private readonly averageLength: number
  private readonly ofWord = new Map<string, readonly number[]>()

  constructor(articles: readonly Article[]) {
    this.articles = articles
    this.words = articles.map(({ text }) => wordsOf(text))
    this.averageLength = this.words.reduce((sum, words) => sum + words.length, 0) / articles.length
  }

  /** The article with the highest score; null when none has a word of the query. */
  best(query: string): Article | null {
    const scores = this.scores(query)
    const highest = Math.max(...scores)
    return highest === 0 ? null : (this.articles[scores.indexOf(highest)] as Article)
  }

  /** Whether no other comes within a rounding error of the best, but for those that are equal to it: of these the first counts. */
  isDecided(query: string): boolean {
    const scores = this.scores(query)
    const highest = Math.max(...scores)
    return highest === 0 || scores.every((score) => score === highest || score < highest - GAP)
  }

  private scores(query: string): number[] {
    const sums = this.articles.map(() => 0)
    for (const word of wordsOf(query)) {
      const scores = this.ofWord.get(word) ?? this.scoresOf(word)
      this.ofWord.set(word, scores)
      scores.forEach((score, i) => {
        sums[i] = (sums[i] as number) + score
      })
    }
    return sums
  }

  private scoresOf(word: string): readonly number[] {
    const counts = this.words.map((words) => words.filter((one) => one === word).length)
    const having = counts.filter((count) => count > 0).length
    const rarity = Math.log(1 + (counts.length - having + 0.5) / (having + 0.5))
    return counts.map((count, i) => {
      const length = (this.words[i] as readonly string[]).length
      return (rarity * count) / (count + K1 * (1 - B + (B * length) / this.averageLength))
    })
  }
}

/** Words as the standard analyzer parts this spec's texts. */
function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9_]+/g) ?? []
}

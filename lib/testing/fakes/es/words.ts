const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
/** Scripts that are written without spaces: the standard analyzer makes a word of each letter. */
const LETTER_BY_LETTER = /[\p{Script=Han}\p{Script=Hiragana}]/u

/** The words of a text, as the standard analyzer finds them. */
export function wordsOf(text: string): readonly string[] {
  return [...segmenter.segment(text.toLowerCase())].flatMap(({ segment, isWordLike }) => {
    if (LETTER_BY_LETTER.test(segment)) return [...segment]
    return isWordLike || /\p{Extended_Pictographic}/u.test(segment) ? [segment] : []
  })
}

import type { Outcome } from './chaos.ts'

/** How many of a kind are shown. */
const SHOWN = 5

/** What makes a run fail, in words. */
export function violationsOf(outcome: Outcome): readonly string[] {
  const { lost, unread, needless, aborted, disorders, backwards, above, violations } = outcome
  const kinds = { lost, unread, needless, aborted, 'out of order': disorders, backwards, 'committed undone': above }
  return [
    ...violations,
    ...Object.entries(kinds).flatMap(([kind, all]) => {
      const more = all.length > SHOWN ? [`${kind}: and ${all.length - SHOWN} more`] : []
      return [...all.slice(0, SHOWN).map((one) => `${kind}: ${one}`), ...more]
    }),
  ]
}

/** The last line. */
export function summaryOf(outcome: Outcome, seed: number): string {
  const { messages, lost, unread, duplicated, bound, disorders, backwards } = outcome
  const gone = `${lost.length + unread.length} lost, ${duplicated} duplicated (bound ${bound})`
  return `chaos: ${messages} messages, ${gone}, ${disorders.length} out of order, ${backwards.length} commits backwards, seed ${seed}`
}

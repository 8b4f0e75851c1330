import type { Expression, Flux } from './flux.ts'

/** The names of the series that a query looks for: the values of their tags, as it compares them. */
export function seriesNames({ pipes, functions }: Flux): readonly string[] {
  const filters = pipes.flatMap((pipe) => pipe.filter(({ name }) => name === 'filter').map(({ given }) => given.fn))
  const found = filters.flatMap((fn) => {
    const named = fn?.kind === 'name' ? functions.get(fn.name) : fn
    return named?.kind === 'function' ? tagsOf(named.body).map((tags) => tags.join(' ')) : []
  })
  return [...new Set(found)].filter((name) => name !== '')
}

/** The values of tags of each series that a condition is true for. */
function tagsOf(condition: Expression): readonly (readonly string[])[] {
  if (condition.kind === 'or') return condition.terms.flatMap(tagsOf)
  if (condition.kind === 'and')
    return condition.terms.reduce<readonly (readonly string[])[]>(
      (all, term) => all.flatMap((tags) => tagsOf(term).map((more) => [...tags, ...more])),
      [[]],
    )
  if (condition.kind !== 'compare' || condition.left.kind !== 'column' || condition.right.kind !== 'value') return [[]]
  return [condition.left.name.startsWith('_') ? [] : [String(condition.right.value)]]
}

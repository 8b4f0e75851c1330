/** Of some names, those that another one may have been meant to be: it begins like them, or is a slip or two away. */
export function near(name: string, names: readonly string[]): string[] {
  return names.filter((other) => {
    const shorter = Math.min(name.length, other.length)
    const begin = Math.max(3, shorter - 2)
    const beginsAlike = shorter >= 4 && name.slice(0, begin) === other.slice(0, begin)
    return beginsAlike || slips(name.toLowerCase(), other.toLowerCase()) <= Math.ceil(shorter / 4)
  })
}

/** How many letters are to be put in, left out or changed to make one name of another. */
function slips(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}

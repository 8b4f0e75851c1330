/** Runs a test that fails, and gives what it says. */
export function failureOf(test: () => void): string {
  try {
    test()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('Expected the test to fail')
}

/** Lines without the indentation that they have in a spec. */
export function lines(text: string): string {
  const all = text.split('\n').slice(1, -1)
  const indent = Math.min(...all.filter((line) => line !== '').map((line) => line.search(/\S/)))
  return all.map((line) => line.slice(indent)).join('\n')
}

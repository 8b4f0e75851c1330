const STEP = 20

/** Polls until the condition holds. @throws Error when it does not within `ms` */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Gave up after ${ms} ms waiting until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, STEP))
  }
}

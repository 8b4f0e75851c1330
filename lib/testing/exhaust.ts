/** Takes all steps, at once. */
export function exhaust(steps: Iterator<void>): void {
  while (!steps.next().done);
}

import type { Case } from './case.ts'
import { consume } from './consume.ts'
import { operators } from './operators.ts'

/** What `npm run bench` measures, in the order of the page. */
export const cases: readonly Case[] = [...consume, ...operators]

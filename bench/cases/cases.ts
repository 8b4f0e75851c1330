import type { Case } from './case.ts'
import { consume } from './consume.ts'
import { live } from './live.ts'
import { micro } from './micro.ts'
import { operators } from './operators.ts'
import { useCases } from './useCases.ts'

/** What `npm run bench` measures, in the order of the page. */
export const cases: readonly Case[] = [...consume, ...operators, ...useCases, ...live, micro]

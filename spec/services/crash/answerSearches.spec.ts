import { crashSuite } from '../support/crash.ts'

crashSuite('answerSearches', 10)

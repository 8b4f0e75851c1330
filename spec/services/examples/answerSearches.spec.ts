import { endToEndSuite } from '../support/endToEnd.ts'

endToEndSuite('answerSearches')

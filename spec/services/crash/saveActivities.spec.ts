import { crashSuite } from '../support/crash.ts'

crashSuite('saveActivities', 15)

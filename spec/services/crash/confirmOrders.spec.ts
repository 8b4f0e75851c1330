import { crashSuite } from '../support/crash.ts'

crashSuite('confirmOrders', 3)

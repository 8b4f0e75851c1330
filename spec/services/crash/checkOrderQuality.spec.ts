import { crashSuite } from '../support/crash.ts'

crashSuite('checkOrderQuality', 0)

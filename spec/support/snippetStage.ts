import type { Observable } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import type { Order } from '../../examples/Order.ts'
import type { Broker, Message, Running, Topic } from '../../lib/index.ts'
import type { EsLike, InfluxLike, RedisLike } from '../../operators/index.ts'

// What the snippets of the docs may speak of without saying what it is. Only for types: nothing of it is there.
export declare const kafka: Broker
export declare const redis: RedisLike
export declare const es: EsLike
export declare const influx: InfluxLike
export declare const running: Running
export declare const scheduler: TestScheduler
export declare const url: string
export declare const orders: Topic<Order>
export declare const quality: Topic<Order>
export declare const small: Topic<Order>
export declare const large: Topic<Order>

interface Lot {
  readonly symbol: string
  readonly shares: number
}
export declare const lots: Topic<Lot>
export declare const lotsOf: (order: Order) => Lot[]
export declare const messages: Observable<Message<Order>>

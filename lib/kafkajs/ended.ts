/** Ends a KafkaJS consumer from within; `retriable` keeps KafkaJS from trying again. */
export class Ended extends Error {
  override readonly name: string = 'Ended'
  readonly retriable = false

  constructor(message = 'The consumer has left the group') {
    super(message)
  }
}

/** Has KafkaJS join again, by the broker's own word for that. */
export class JoinAgain extends Error {
  override readonly name = 'JoinAgain'
  readonly type = 'REBALANCE_IN_PROGRESS'

  constructor() {
    super('The member has joined, but was not told its partitions')
  }
}

/** Thrown where KafkaJS's silent reset would take place unnoticed. */
export class OutOfRange extends Ended {
  override readonly name = 'OutOfRange'

  constructor() {
    super('The next offset to read is not in the log')
  }
}

/** Ends a KafkaJS consumer from within; `retriable` keeps KafkaJS from trying again. */
export class Ended extends Error {
  override readonly name: string = 'Ended'
  readonly retriable = false

  constructor(message = 'The consumer has left the group') {
    super(message)
  }
}

/** Thrown in the place of KafkaJS's silent reset. */
export class OutOfRange extends Ended {
  override readonly name = 'OutOfRange'

  constructor() {
    super('The next offset to read is not in the log')
  }
}

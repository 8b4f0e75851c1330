import type { AdminClient, KafkaClient } from './client.ts'

/** One admin client for all members: connected when first asked, until the last member has left. */
export class Admin {
  private readonly kafka: KafkaClient
  private session: Session | undefined

  constructor(kafka: KafkaClient) {
    this.kafka = kafka
  }

  /** Asks something; after a failure the next question gets a new connection. */
  async ask<T>(question: (admin: AdminClient) => Promise<T>): Promise<T> {
    this.session ??= new Session(this.kafka.admin())
    const { session } = this
    try {
      return await session.ask(question)
    } catch (error) {
      if (this.session === session) this.close()
      throw error
    }
  }

  close(): void {
    this.session?.close()
    this.session = undefined
  }
}

/** One connection, closed once all that was asked is answered: KafkaJS would connect again for a question's next try. */
class Session {
  private readonly client: AdminClient
  private readonly connected: Promise<void>
  private pending = 0
  private isClosed = false

  constructor(client: AdminClient) {
    this.client = client
    this.connected = client.connect()
  }

  async ask<T>(question: (admin: AdminClient) => Promise<T>): Promise<T> {
    this.pending++
    try {
      await this.connected
      return await question(this.client)
    } finally {
      this.pending--
      this.disconnect()
    }
  }

  close(): void {
    this.isClosed = true
    this.disconnect()
  }

  private disconnect(): void {
    if (this.isClosed && this.pending === 0) this.client.disconnect().catch(() => {})
  }
}

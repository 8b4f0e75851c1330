import type { AdminClient, KafkaClient } from './client.ts'

/** One admin client for all members: connected when first asked, until the last member has left. */
export class Admin {
  private readonly kafka: KafkaClient
  private client: Promise<AdminClient> | undefined

  constructor(kafka: KafkaClient) {
    this.kafka = kafka
  }

  /** Asks something; after a failure the next question gets a new connection. */
  async ask<T>(question: (admin: AdminClient) => Promise<T>): Promise<T> {
    this.client ??= connect(this.kafka.admin())
    const { client } = this
    try {
      return await question(await client)
    } catch (error) {
      if (this.client === client) this.close()
      throw error
    }
  }

  close(): void {
    const { client } = this
    this.client = undefined
    client?.then((admin) => admin.disconnect()).catch(() => {})
  }
}

async function connect(admin: AdminClient): Promise<AdminClient> {
  try {
    await admin.connect()
    return admin
  } catch (error) {
    await admin.disconnect().catch(() => {})
    throw error
  }
}

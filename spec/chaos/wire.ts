import { connect, createServer, type Server, type Socket } from 'node:net'

/** What the network between a member and the broker is like. `holding`: connections stand, and nothing arrives. */
type State = 'open' | 'cut' | 'holding' | 'slow'

/** ms by which each chunk is late when the network is slow. */
const DELAY = 400

interface Pipe {
  readonly client: Socket
  readonly upstream: Socket
}

/** A TCP proxy: the wire between one member and the broker. */
export class Wire {
  private readonly server: Server
  private readonly pipes = new Set<Pipe>()
  private readonly target: number
  private state: State = 'open'

  private constructor(target: number) {
    this.target = target
    this.server = createServer({ pauseOnConnect: true }, (client) => this.accept(client))
  }

  static open(port: number, target: number): Promise<Wire> {
    const wire = new Wire(target)
    return new Promise((resolve, reject) => {
      wire.server.once('error', reject)
      wire.server.listen(port, '127.0.0.1', () => resolve(wire))
    })
  }

  /** Ends all connections and refuses new ones. */
  cut(): void {
    this.state = 'cut'
    this.drop()
  }

  /** Lets no byte through, either way; new connections are accepted, and get no answer. */
  hold(): void {
    this.state = 'holding'
    for (const { client, upstream } of this.pipes) {
      client.pause()
      upstream.pause()
    }
  }

  /** Makes each chunk late. */
  slow(): void {
    this.state = 'slow'
  }

  /** Is as it was again; what was held arrives, late. */
  mend(): void {
    this.state = 'open'
    for (const { client, upstream } of this.pipes) {
      client.resume()
      upstream.resume()
    }
  }

  /** Forgets all connections. */
  drop(): void {
    for (const { client, upstream } of this.pipes) {
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
  }

  async close(): Promise<void> {
    this.drop()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private accept(client: Socket): void {
    if (this.state === 'cut') {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ port: this.target, host: '127.0.0.1', noDelay: true })
    const pipe = { client, upstream }
    this.pipes.add(pipe)
    client.setNoDelay(true)
    this.forward(client, upstream, pipe)
    this.forward(upstream, client, pipe)
    if (this.state === 'holding') upstream.pause()
    else client.resume()
  }

  private forward(from: Socket, to: Socket, pipe: Pipe): void {
    const write = (chunk: Buffer) => to.destroyed || to.write(chunk)
    let late = 0
    from.on('data', (chunk: Buffer) => {
      if (this.state !== 'slow' && late === 0) return write(chunk)
      // What comes after a late chunk must not overtake it.
      late++
      setTimeout(() => {
        late--
        write(chunk)
      }, DELAY)
      return true
    })
    const end = () => {
      this.pipes.delete(pipe)
      to.destroy()
    }
    from.on('error', end)
    from.on('close', end)
  }
}

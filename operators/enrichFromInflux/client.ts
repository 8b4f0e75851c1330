import { from, Observable, type ObservableInput } from 'rxjs'
import { type FluxRow, fluxRows } from './csv.ts'

/**
 * What `enrichFromInflux` uses of an InfluxDB client; an `InfluxDB` of @influxdata/influxdb-client is one. Its transport
 * rather than its query API, because only there a request can be aborted: the client's own timeout is of inactivity,
 * and leaves the query running.
 */
export interface InfluxLike {
  readonly transport: {
    send(
      path: string,
      body: string,
      options: { method: string; headers?: { [key: string]: string }; signal?: AbortSignal },
      callbacks: { next(chunk: Uint8Array): void; error(error: Error): void; complete(): void },
    ): void
  }
}

/** Runs one Flux query and gives its rows, all at once: in the place of a client. */
export type FluxQuery = (
  flux: string,
  options: { readonly org: string; readonly signal: AbortSignal },
) => ObservableInput<readonly FluxRow[]>

/** Makes a client something that is asked a query. */
export function fluxQuery(influx: InfluxLike | FluxQuery): FluxQuery {
  if (typeof influx === 'function') return (flux, options) => from(influx(flux, options))
  return (flux, { org, signal }) =>
    new Observable((out) => {
      const chunks: Uint8Array[] = []
      const body = JSON.stringify({ query: flux, type: 'flux', dialect: { header: true, annotations: ['datatype'] } })
      const headers = { 'content-type': 'application/json; charset=utf-8', accept: 'application/csv' }
      influx.transport.send(
        `/api/v2/query?org=${encodeURIComponent(org)}`,
        body,
        { method: 'POST', headers, signal },
        {
          next: (chunk) => {
            chunks.push(chunk)
          },
          error: (error) => out.error(error),
          complete: () => {
            out.next(fluxRows(Buffer.concat(chunks).toString()))
            out.complete()
          },
        },
      )
    })
}

/**
 * Where the four servers listen and how to log in, unless the environment says otherwise. The launcher, `compose.yaml`, the examples and the
 * service suite all use these values, so that a checkout works with either kind of server and no configuration.
 */

/** The port each server is known by. A run adds its port base, so that it never meets a server which the machine already has. */
export const wellKnownPorts = { kafka: 9092, redis: 6379, influxdb: 8086, elasticsearch: 9200 } as const

export type ServerName = keyof typeof wellKnownPorts

/** 10000 gives 19092, 16379, 18086 and 19200. */
export const defaultPortBase = 10_000

export const influxLogin = {
  org: 'rkt',
  bucket: 'marketdata',
  token: 'rkt-token-0123456789abcdef',
  username: 'rkt',
  password: 'rkt-password-1',
} as const

export interface ConnectionSettings {
  /** `host:port` of each broker. */
  readonly kafkaBrokers: readonly string[]
  readonly redisUrl: string
  readonly influxUrl: string
  readonly influxOrg: string
  readonly influxBucket: string
  readonly influxToken: string
  readonly esUrl: string
}

/** Reads the connection settings from environment variables; what is unset or empty is the default run's. */
export function connectionSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionSettings {
  const defaults = connectionVariables(defaultPortBase)
  const read = (name: keyof ConnectionVariables): string => environment[name] || defaults[name]
  return {
    kafkaBrokers: read('KAFKA_BROKERS')
      .split(',')
      .map((broker) => broker.trim()),
    redisUrl: read('REDIS_URL'),
    influxUrl: read('INFLUX_URL'),
    influxOrg: read('INFLUX_ORG'),
    influxBucket: read('INFLUX_BUCKET'),
    influxToken: read('INFLUX_TOKEN'),
    esUrl: read('ES_URL'),
  }
}

export interface ConnectionVariables {
  readonly KAFKA_BROKERS: string
  readonly REDIS_URL: string
  readonly INFLUX_URL: string
  readonly INFLUX_ORG: string
  readonly INFLUX_BUCKET: string
  readonly INFLUX_TOKEN: string
  readonly ES_URL: string
}

/** The environment variables that lead to the servers of a port base. */
export function connectionVariables(portBase: number): ConnectionVariables {
  return {
    KAFKA_BROKERS: `127.0.0.1:${portBase + wellKnownPorts.kafka}`,
    REDIS_URL: `redis://127.0.0.1:${portBase + wellKnownPorts.redis}`,
    INFLUX_URL: `http://127.0.0.1:${portBase + wellKnownPorts.influxdb}`,
    INFLUX_ORG: influxLogin.org,
    INFLUX_BUCKET: influxLogin.bucket,
    INFLUX_TOKEN: influxLogin.token,
    ES_URL: `http://127.0.0.1:${portBase + wellKnownPorts.elasticsearch}`,
  }
}

import { describe, expect, it } from 'vitest'
import { versionOf } from '../../bench/versionOf.ts'

describe('versionOf', () => {
  it.each(['kafkajs', 'rxjs', 'ioredis', 'cross-fetch', '@elastic/elasticsearch', '@influxdata/influxdb-client'])(
    'finds that of %s, whatever it exports',
    (name) => {
      expect(versionOf(name)).toMatch(/^\d+\.\d+\.\d+/)
    },
  )

  it('says which package is not there', () => {
    expect(() => versionOf('no-such-package')).toThrow(
      'Cannot tell the version of no-such-package: it is not installed',
    )
  })
})

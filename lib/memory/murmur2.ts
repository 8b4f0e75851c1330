const M = 0x5bd1e995
const SEED = 0x9747b28c

/** Hashes bytes as Kafka's default partitioner does; gives a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const words = length & ~3
  let h = SEED ^ length
  for (let i = 0; i < words; i += 4) {
    let k = Math.imul(view.getInt32(i, true), M)
    k = Math.imul(k ^ (k >>> 24), M)
    h = Math.imul(h, M) ^ k
  }
  if (words < length) {
    for (let i = length - 1; i >= words; i--) h ^= view.getUint8(i) << ((i - words) * 8)
    h = Math.imul(h, M)
  }
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}

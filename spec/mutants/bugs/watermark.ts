import type { Mutant } from '../mutant.ts'

/** What counts as done, and up to where all is done. */
export const watermark: readonly Mutant[] = [
  {
    bug: 1,
    thread: 'PC#826, #827',
    broke: 'lost: committed the highest offset seen instead of done, when nothing was in flight for a moment',
    undone: 'what is fetched counts as nothing before it is delivered',
    patches: [
      {
        file: 'lib/partition.ts',
        find: 'this.feed.add(unacked, nextOffset)',
        replace:
          'this.feed.add(unacked, nextOffset)\n    if (this.tracker.pending === 0) this.tracker.low = nextOffset',
      },
    ],
    red: { 'spec/lib/reading.spec.ts': ['commits nothing of what is fetched and not delivered'] },
  },
  {
    bug: 2,
    thread: 'PC#894, #893',
    broke: 'lost: committed one past what is to be done next, which was out of range and reset',
    undone: 'what is committed is the low watermark, also where nothing came',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: 'this.low = position',
        replace: 'this.low = position + 1',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['commits the start of an empty partition'] },
  },
  {
    bug: 8,
    thread: 'PC#329, SK#4258',
    broke: 'stalled: took the offset of a transaction marker for a message still to come',
    undone: 'the ring holds what was delivered, not a range of offsets',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: 'while (head < tail && states[head & mask] === DONE) head++',
        replace:
          'const follows = (slot: number) => this.offsets[slot & mask] === (this.offsets[(slot - 1) & mask] ?? 0) + 1\n    while (head < tail && follows(head) && states[head & mask] === DONE) head++',
      },
    ],
    red: {
      'spec/lib/tracker.spec.ts': ['passes over gaps between messages that were acked before the oldest'],
    },
  },
  {
    bug: 9,
    thread: 'SK#4332, #4342',
    broke: 'lost: a gap took the unacked offset before it off the list',
    undone: 'the low watermark stops at what is not acked, gap or none',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: 'while (head < tail && states[head & mask] === DONE) head++',
        replace:
          'const gap = (slot: number) => slot + 1 < tail && (this.offsets[(slot + 1) & mask] ?? 0) > (this.offsets[slot & mask] ?? 0) + 1\n    while (head < tail && (states[head & mask] === DONE || gap(head))) head++',
      },
    ],
    red: {
      'spec/lib/tracker.spec.ts': ['passes over gaps: the next message decides'],
    },
  },
  {
    bug: 10,
    thread: 'SK#2410, #2677',
    broke: 'stalled: the way of failed messages went past the tracker',
    undone: 'what onNack skips is acked like all else',
    patches: [
      {
        file: 'lib/refusals.ts',
        find: 'delivery.counts.skipped++\n      refusal.partition.tracker.ack(refusal.slot)',
        replace: 'delivery.counts.skipped++',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['skips: the message counts as done'] },
  },
  {
    bug: 10,
    thread: 'SK#2410, #2677',
    broke: 'stalled: the way of failed messages went past the tracker',
    undone: 'what cannot be decoded is settled like all else',
    patches: [
      {
        file: 'lib/feed.ts',
        find: "tracker.settle(slot, 'nacked', error, raw)\n      return",
        replace: 'return',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['sends a dead letter with the raw bytes and the story, and only then acks'] },
  },
  {
    bug: 18,
    thread: 'RPC#4010, #4009',
    broke: 'lost: what waited in a batch was dropped at a revoke, and later offsets were committed',
    undone: 'what is given up is not acked',
    patches: [
      {
        file: 'lib/batches.ts',
        find: 'for (const { message } of entries) message.abandon()\n}',
        replace: 'for (const { message } of entries) message.ack()\n}',
      },
    ],
    red: {
      'spec/lib/perBatch.spec.ts': ['abandons what is under way, waiting and resting when it is unsubscribed'],
    },
  },
  {
    bug: 18,
    thread: 'RPC#4010, #4009',
    broke: 'lost: what waited in a batch was dropped at a revoke, and later offsets were committed',
    undone: 'what was torn down before it was settled stays open',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: "else if (verdict === 'acked') this.done(slot)",
        replace: "else if (verdict !== 'nacked') this.done(slot)",
      },
    ],
    red: {
      'spec/lib/fromTopic.spec.ts': ['stops at a message that was torn down before it was settled'],
    },
  },
  {
    bug: 21,
    thread: 'V#24543',
    broke: 'lost: the server refused with 401, and the message counted as delivered',
    undone: 'only 2xx is success',
    patches: [
      {
        file: 'operators/postTo/outcome.ts',
        find: 'status >= 200 && status < 300',
        replace: 'status >= 200 && status < 500',
      },
    ],
    red: { 'spec/operators/postTo.spec.ts': ['401 ends the stream, though nacked messages are skipped'] },
  },
  {
    bug: 21,
    thread: 'V#24543',
    broke: 'lost: the server refused with 401, and the message counted as delivered',
    undone: 'an item that failed for good is nacked, not acked',
    patches: [
      {
        file: 'lib/outcomes.ts',
        find: "} else if (kind === 'permanent') message.nack(error)",
        replace: "} else if (kind === 'permanent') message.ack()",
      },
    ],
    red: { 'spec/lib/perBatch.spec.ts': ['acks what is dropped, nacks what failed, passes on the rest'] },
  },
]

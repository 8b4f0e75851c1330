import type { Mutant } from '../mutant.ts'

/** The way of the low watermark to the broker. */
export const committing: readonly Mutant[] = [
  {
    bug: 4,
    thread: 'PC#857, PCf#100',
    broke: 'stalled: a commit refused because the group rebalances ended the poll thread',
    undone: 'such a refusal is for now',
    patches: [
      {
        file: 'lib/delivery.ts',
        find: "if (error.kind === 'fatal') this.host.drain(error)",
        replace: "if (error.kind !== 'retriable') this.host.drain(error)",
      },
    ],
    red: { 'spec/lib/reading.spec.ts': ['commits again what was refused because the group rebalances'] },
  },
  {
    bug: 11,
    thread: 'PC#664, #666',
    broke: 'late: an ack during a commit was forgotten, because the commit lowered the flag',
    undone: 'what the commit carried is confirmed, not what is acked by now',
    patches: [
      {
        file: 'lib/commitState.ts',
        find: 'this.committed = offset',
        replace: 'this.committed = this.tracker.low',
      },
      // Sent and confirmed are compared, too: another guard of the same.
      {
        file: 'lib/commitState.ts',
        find: 'sent !== UNCOMMITTED && sent !== committed',
        replace: 'false',
      },
    ],
    red: {
      'spec/lib/reading.spec.ts': ['commits what is acked while a commit is under way, though nothing comes after it'],
    },
  },
  {
    bug: 13,
    thread: 'RK#304, #266',
    broke: 'stalled: after one commit that failed for now nothing was committed any more',
    undone: 'a failed commit is due again',
    patches: [
      {
        file: 'lib/commit.ts',
        find: "if (error.kind !== 'fatal') this.touchIfDue()",
        replace: '',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['tries a commit again that the broker could not take'] },
  },
  {
    bug: 13,
    thread: 'RK#304, #266',
    broke: 'stalled: after one commit that failed for now nothing was committed any more',
    undone: 'a failed commit is no longer under way',
    patches: [
      {
        file: 'lib/commit.ts',
        find: 'this.host.commitFailed(error)\n    this.underWay = false',
        replace: 'this.host.commitFailed(error)',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['tries a commit again that the broker could not take'] },
  },
]

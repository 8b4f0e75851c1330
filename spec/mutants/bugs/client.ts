import type { Mutant } from '../mutant.ts'

const MEMBERSHIP = 'spec/lib/kafkajs/membership.spec.ts'
const KAFKAJS = 'kafkajs#403 …'
const TRAPS = 'the traps of KafkaJS: lost, repeated or stopped without a word'

/** What KafkaJS does by itself, and what it is kept from. */
export const client: readonly Mutant[] = [
  {
    bug: 4,
    thread: 'PC#857, PCf#80',
    broke: 'stalled: a member that drained was thrown out, or held its partitions for ever',
    undone: 'heartbeats go on while a member drains',
    patches: [
      { file: 'lib/kafkajs/drain.ts', find: 'this.beatLater()\n      drain(resolve)', replace: 'drain(resolve)' },
    ],
    red: { [MEMBERSHIP]: ['keeps its membership by heartbeats while it drains'] },
  },
  {
    bug: 4,
    thread: 'PC#857, PCf#29',
    broke: 'stalled: a member that drained was thrown out, or held its partitions for ever',
    undone: 'a member that the broker no longer knows drains no more',
    patches: [
      { file: 'lib/kafkajs/membership.ts', find: 'this.drain.giveUp()\n  }\n\n  onCrash', replace: '}\n\n  onCrash' },
    ],
    red: { [MEMBERSHIP]: ['drains no more once the broker has given its membership up'] },
  },
  {
    bug: 7,
    thread: 'PC#409, #546',
    broke: 'stuck or lost: the next offset to read was no longer in the log, and nobody said so',
    undone: 'KafkaJS commits no offset by itself when its own is gone',
    patches: [
      {
        file: 'lib/kafkajs/hooks.ts',
        find: 'listing ? offsetOf(config) :',
        replace: 'Date.now() > 0 ? offsetOf(config) :',
      },
    ],
    red: {
      [MEMBERSHIP]: ['has the handler say where to go on in the place of KafkaJS, which would commit another offset'],
    },
  },
  {
    bug: 19,
    thread: 'RPC#4477, V#9587',
    broke: 'went back: an ack after the revoke committed over what the next owner had committed',
    undone: 'the adapter, too, commits only what is assigned: the broker does not look',
    patches: [
      {
        file: 'lib/kafkajs/membership.ts',
        find: 'offsets.every((position) => this.reader.owns(position))',
        replace: 'offsets.length > 0',
      },
    ],
    red: { [MEMBERSHIP]: ['refuses to commit what is not assigned to it'] },
  },
  {
    bug: 23,
    thread: 'zio#280, AK#517',
    broke: 'read twice or never: what belonged to the old assignment undid what belonged to the new one',
    undone: 'the news of a join that another has overtaken is ignored',
    patches: [{ file: 'lib/kafkajs/membership.ts', find: ' || join !== this.joins) return', replace: ') return' }],
    red: {
      [MEMBERSHIP]: ['tells of each assignment once, although the group rebalances before it is known where to read'],
    },
  },
  {
    bug: 23,
    thread: 'zio#280, AK#517',
    broke: 'read twice or never: what belonged to the old assignment undid what belonged to the new one',
    undone: 'what two fetchers fetch is handed over once',
    patches: [
      {
        file: 'lib/kafkajs/reader.ts',
        find: 'if (misplaced) return',
        replace: 'if (misplaced && !this.isOpen) return',
      },
    ],
    red: { [MEMBERSHIP]: ['hands over nothing twice, though it is fetched twice'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'a batch of control records has an end',
    patches: [
      {
        file: 'lib/kafkajs/session.ts',
        find: 'passOver: (...part) => listener.passOver(...part)',
        replace: 'passOver: () => {}',
      },
    ],
    red: { [MEMBERSHIP]: ['passes over what has nothing to see: control records, or aborted messages'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'pauses are lifted after a join',
    patches: [
      {
        file: 'lib/kafkajs/reader.ts',
        find: 'else this.tell((client) => client.resume(topicOf(reading)))',
        replace: '',
      },
    ],
    red: { [MEMBERSHIP]: ['reads on after a join from partitions that were paused before it, where it stood'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'a commit is tried once, not again under a later generation',
    patches: [{ file: 'lib/kafkajs/commits.ts', find: 'this.once ??= commitOffsetsIfNecessary', replace: '' }],
    red: { [MEMBERSHIP]: ['commits by the function of a fetched batch, which tries once'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'nothing is committed between a join and its news',
    patches: [
      {
        file: 'lib/kafkajs/membership.ts',
        find: "if (this.state === 'joining') return new",
        replace: 'if (this.joins < 0) return new',
      },
    ],
    red: { [MEMBERSHIP]: ['commits nothing between a join and its news'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'KafkaJS does not restart by itself, in a race with being stopped',
    patches: [
      {
        file: 'lib/kafkajs/session.ts',
        find: 'restartOnFailure: async () => false',
        replace: 'restartOnFailure: async () => true',
      },
    ],
    red: { [MEMBERSHIP]: ['does not let KafkaJS restart by itself'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'a consumer that still joins is closed once it has',
    patches: [{ file: 'lib/kafkajs/session.ts', find: 'await this.opened', replace: '' }],
    red: { [MEMBERSHIP]: ['closes nothing before it is opened: KafkaJS would join none the less'] },
  },
  {
    bug: 25,
    thread: KAFKAJS,
    broke: TRAPS,
    undone: 'a member that comes back under another name has lost what it had',
    patches: [{ file: 'lib/kafkajs/membership.ts', find: 'if (memberId !== this.memberId) this.lose()', replace: '' }],
    red: { [MEMBERSHIP]: ['counts what only another member has now as lost, when it comes back under another name'] },
  },
]

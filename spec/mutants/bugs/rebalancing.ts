import type { Mutant } from '../mutant.ts'

/** Partitions that go, come back, or stay. */
export const rebalancing: readonly Mutant[] = [
  {
    bug: 3,
    thread: 'PC#909, #875',
    broke: 'stuck: an entry left from the last assignment swallowed the message that came again',
    undone: 'a partition that was lost is forgotten',
    patches: [
      {
        file: 'lib/assignment.ts',
        find: 'if (partition !== undefined) this.retire(partition)\n      this.partitions.delete(keyOf(place))',
        replace: 'if (partition !== undefined) this.retire(partition)',
      },
    ],
    red: {
      'spec/lib/fromTopic.spec.ts': [
        'fences a lost partition: late acks move nothing, and its messages are delivered again',
      ],
    },
  },
  {
    bug: 5,
    thread: 'PC#547, RK#386',
    broke: 'stalled: what was in flight at a revoke stayed counted, and the next drain waited for it',
    undone: 'whoever waits is told when what was in flight is lost',
    patches: [{ file: 'lib/delivery.ts', find: 'ended(): void {', replace: 'ended(): void {\n    return' }],
    red: { 'spec/lib/reading.spec.ts': ['does not wait for what is lost'] },
  },
  {
    bug: 5,
    thread: 'PC#547, RK#386',
    broke: 'stalled: what was in flight at a revoke stayed counted, and used the credit up',
    undone: 'what is forgotten at a rebalance weighs nothing',
    patches: [{ file: 'lib/backlog.ts', find: 'this.bytes = 0', replace: '' }],
    red: { 'spec/lib/reading.spec.ts': ['counts no bytes of what it had fetched before and fetches again'] },
  },
  {
    bug: 6,
    thread: 'PC#777',
    broke: 'repeated: results after a revoke were thrown away although the partition came back',
    undone: 'a partition that comes back keeps its tracker',
    patches: [
      {
        file: 'lib/assignment.ts',
        find: 'this.goesOn(old, one) ? old : new Partition',
        replace: 'this.goesOn(old, one) && false ? old : new Partition',
      },
    ],
    red: { 'spec/lib/fromTopic.spec.ts': ['emits nothing again that a retained partition has in flight or acked'] },
  },
  {
    bug: 7,
    thread: 'PC#409, #546',
    broke: 'stuck: committed the old offset on and on after it was no longer in the log',
    undone: 'the tracker goes to the new place, too',
    patches: [{ file: 'lib/delivery.ts', find: 'this.add(position, [], position.offset, highWatermark)', replace: '' }],
    red: { 'spec/lib/outOfRange.spec.ts': ['commits the new place when nothing is in flight'] },
  },
  {
    bug: 7,
    thread: 'PC#409, #546',
    broke: 'stuck: took what a new log holds for what it had read',
    undone: 'a log that ends before the place is another one: its assignment begins anew',
    patches: [{ file: 'lib/reading.ts', find: 'if (missed === null) delivery', replace: 'if (missed === 0) delivery' }],
    red: {
      'spec/lib/outOfRange.spec.ts': ['goes back in a log that ends before it, where what is in flight comes too late'],
    },
  },
  {
    bug: 12,
    thread: 'RK#259, #260',
    broke: 'stalled: acks that came after the revoke were kept, and grew',
    undone: 'a settlement after the fence only counts as late',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: 'return !this.fenced && slot >= this.head && this.states',
        replace: 'return slot >= this.head && this.states',
      },
    ],
    red: { 'spec/lib/tracker.spec.ts': ['counts what comes after the fence as late, and holds its place'] },
  },
  {
    bug: 14,
    thread: 'SR#1403, #1396',
    broke: 'went back: what was buffered before a rebalance was mixed with the same messages fetched again',
    undone: 'what is buffered is forgotten at a rebalance, and what came before is not delivered',
    patches: [
      {
        file: 'lib/delivery.ts',
        find: 'for (const partition of this.assignment) partition.feed.discard()',
        replace: '',
      },
      {
        file: 'lib/feed.ts',
        find: 'if (offset < tracker.next) return',
        replace: '',
      },
    ],
    red: {
      'spec/lib/reading.spec.ts': [
        'delivers once, and commits forwards, what it had fetched before a rebalance and fetches again',
      ],
    },
  },
  {
    bug: 15,
    thread: 'quarkus#22561',
    broke: 'false alarm: the age of a message counted from when it came, not from when it was worked on',
    undone: 'it counts from when the message is the oldest in flight',
    patches: [
      { file: 'lib/stuck.ts', find: 'if (mark?.slot === slot && mark', replace: 'if (mark !== undefined && mark' },
    ],
    red: { 'spec/lib/watch.spec.ts': ['is none while it only waits in a queue for its turn'] },
  },
  {
    bug: 16,
    thread: 'SR#1259, #816',
    broke: 'crashed: an ack after the revoke met an entry that was gone',
    undone: 'a settlement that comes too late does nothing',
    patches: [
      {
        file: 'lib/tracker.ts',
        find: 'if (!this.isOpen(slot)) this.countLate(verdict)',
        replace: "if (!this.isOpen(slot)) throw new Error('no such message')",
      },
    ],
    red: {
      'spec/lib/reading.spec.ts': [
        'moves nothing and harms nothing by acks of a partition that another member has now',
      ],
    },
  },
  {
    bug: 17,
    thread: 'SR#2270',
    broke: 'failed twice: a request that failed only after its message was given up as too old',
    undone: 'a message that was refused is settled, until it is delivered again',
    patches: [{ file: 'lib/tracker.ts', find: 'this.states[slot & this.mask] = REFUSED', replace: '' }],
    red: { 'spec/lib/watch.spec.ts': ['is nacked once where onStuck says so, though it fails by itself later'] },
  },
  {
    bug: 19,
    thread: 'RPC#4477, V#9587',
    broke: 'went back: an ack after the revoke committed over what the next owner had committed',
    undone: 'only what is assigned now is committed',
    patches: [
      {
        file: 'lib/assignment.ts',
        find: 'const before = this.partitions\n    this.partitions = new Map()',
        replace: 'const before = this.partitions\n    this.partitions = new Map(before)',
      },
    ],
    red: {
      'spec/lib/reading.spec.ts': [
        'moves nothing and harms nothing by acks of a partition that another member has now',
      ],
    },
  },
  {
    bug: 20,
    thread: 'V#14865',
    broke: 'repeated: when one partition went, the acks of all were thrown away',
    undone: 'only the partitions that are named go',
    patches: [
      {
        file: 'lib/reading.ts',
        find: 'assignment.remove(partitions)',
        replace: 'assignment.remove([...assignment])',
      },
    ],
    red: { 'spec/lib/reading.spec.ts': ['commits of the others what is acked when one partition is lost'] },
  },
  {
    bug: 22,
    thread: 'zio#469, fs2#1051',
    broke: 'lost: what was buffered was dropped at a rebalance, and reading went on behind it',
    undone: 'reading goes on after what was delivered, not after what was fetched',
    patches: [
      {
        file: 'lib/feed.ts',
        find: 'discard(): void {',
        replace: 'discard(): void {\n    while (this.fetched.hasNext(this.partition.tracker)) this.fetched.next()',
      },
    ],
    red: {
      'spec/lib/reading.spec.ts': [
        'delivers once, and commits forwards, what it had fetched before a rebalance and fetches again',
      ],
    },
  },
  {
    bug: 24,
    thread: 'zio#1575, #1573',
    broke: 'slow: a rebalance waited for commits of partitions that had delivered nothing',
    undone: 'nothing in flight is nothing to wait for',
    patches: [
      {
        file: 'lib/settling.ts',
        find: 'if (this.isSettled(Number.POSITIVE_INFINITY)) return done()',
        replace: '',
      },
    ],
    red: { 'spec/lib/reading.spec.ts': ['holds up no rebalance when nothing is in flight'] },
  },
]

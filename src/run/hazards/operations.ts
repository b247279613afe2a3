import type {UnsafeOperation} from './hazard.js'

/**
 * Operations of this program that a defect makes unsafe, by the number of its fix. Tried on 2.22.1 where it has them.
 */
export const operations: Readonly<Record<number, UnsafeOperation | undefined>> = {
  9339: {
    kinds: ['compress'],
    detect: 'partial-and-unordered',
    always: false,
    harm:
      'compressing a chunk that is partial and out of order takes its mark away and leaves it out of order, so ' +
      'that sorted queries may give wrong answers',
    instead:
      'Update TimescaleDB, or decompress the chunk (chunks decompress) and compress it again: that sorts all of it.',
    since: null,
  },
  9571: {
    kinds: ['refresh'],
    detect: 'refresh-running',
    always: false,
    harm: 'its refresh policy is running now, and two refreshes at the same time may write buckets twice or leave gaps',
    instead: 'Run it again when the job has ended, or update TimescaleDB.',
    since: '2.21.0',
  },
  10221: {
    kinds: ['refresh'],
    detect: 'continuous-aggregates',
    always: true,
    harm: 'a refresh by hand works in batches, may leave the last bucket out and says that it succeeded',
    instead:
      'Update TimescaleDB, or refresh in one piece: call refresh_continuous_aggregate(…, options => ' +
      `'{"buckets_per_batch": 0}').`,
    since: '2.28.0',
  },
}

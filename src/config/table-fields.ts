import {z} from 'zod'
import {messageOf} from '../errors.js'
import {parseInstant} from '../units/instant.js'
import {isZone} from '../units/zone.js'
import {about, duration, every} from './fields.js'
import {ownTableFields} from './own-table.js'
import {retention} from './retention.js'

/** An instant field: text for {@link parseInstant}; a YAML timestamp stays text. */
const instant = z.string().transform((value, context) => {
  try {
    return parseInstant(value)
  } catch (error) {
    context.addIssue({code: 'custom', message: messageOf(error)})
    return z.NEVER
  }
})

const none = z.literal('none')
const columns = z.array(z.string().min(1)).min(1)
const after = (description: string, examples: string[]) => about(duration, description, {examples})
const compression = z.strictObject({
  after: after('Age at which a chunk is compressed, counted from its end.', ['7 days', '12h']),
  segmentBy: about(
    columns.optional(),
    "Columns that compressed rows are grouped by. Absent: the definition's, else not changed.",
    {examples: [['exchange_id', 'coin_id']]},
  ),
  orderBy: about(columns.optional(), "Order of rows within a group. Absent: the definition's, else not changed.", {
    examples: [['time desc', 'id desc']],
  }),
  every: about(
    duration.optional(),
    "Time between two runs of TimescaleDB's policy. Absent: not changed; a new policy gets TimescaleDB's default.",
    {examples: ['12h', '30min']},
  ),
  allowUpdates: about(
    z.boolean().optional(),
    'Citus: convert partitions to columnar although statements update, delete, upsert or lock rows of the table, ' +
      'because those never reach partitions of this age. Absent: not changed; a new policy is refused such a table.',
    {default: false, examples: [true]},
  ),
})
const refresh = z.strictObject({
  startOffset: after('Age at which the window of each refresh starts.', ['3 hours', '7 days']),
  endOffset: after('Age at which that window ends.', ['1 hour']),
  every: after('Time between two runs.', ['1 hour', '15min']),
})

const reorder = z.strictObject({
  index: about(z.string().min(1), 'Index that the rows of older chunks are ordered by.', {
    examples: ['ticks_symbol_time_idx'],
  }),
})

const partitions = z.strictObject({
  every: about(
    every.optional(),
    'Length of one partition: hour, day, week, month, quarter, year, or a number of them.',
    {default: 'month', examples: ['day', '6 hours', '2 weeks']},
  ),
  ahead: about(z.int().min(0).max(366).optional(), 'Partitions that always exist after the current one.', {
    default: 3,
    examples: [7],
  }),
  timezone: about(
    z.string().refine(isZone, 'not a time zone: write a name such as Europe/Berlin').optional(),
    'Time zone whose local time has the partition boundaries.',
    {default: 'UTC', examples: ['Europe/Berlin']},
  ),
  earliest: about(instant.optional(), 'No partition is created for times before this.', {
    default: '2009-01-03',
    examples: ['2020-01-01'],
  }),
  keyFormat: about(z.enum(['ulid']).optional(), 'What a text key is, if its order is that of time.', {
    examples: ['ulid'],
  }),
  within: about(duration.optional(), 'No partition is created for times further ahead than this.', {
    default: '1 year',
    examples: ['2 years'],
  }),
})

const policies = {
  compression: about(
    z.union([none, compression]).optional(),
    "Compression policy; none: the table has no such policy. Absent: the definition's, else not managed.",
    {examples: ['none', {after: '7 days', segmentBy: ['symbol']}]},
  ),
  retention: about(
    z.union([none, retention]).optional(),
    "Retention policy; none: the table has no such policy. Absent: the definition's, else not managed.",
    {examples: ['none', {after: '2 years'}, {detach: '90 days', drop: '2 years'}]},
  ),
}
/** An entry of `tables`. */
export const table = z.strictObject({
  ...ownTableFields,
  timeUnit: about(
    z.enum(['s', 'ms', 'us', 'ns']).optional(),
    'Unit of an integer time column, if the database does not know it.',
  ),
  chunkInterval: about(duration.optional(), 'Length of future chunks. Absent: not changed.', {
    examples: ['1 day', '7 days'],
  }),
  partitions: about(
    z.union([none, partitions]).optional(),
    'Plain PostgreSQL: the partitions that are created ahead of time.',
    {examples: ['none', {every: 'month', ahead: 3}]},
  ),
  ...policies,
  reorder: about(
    z.union([none, reorder]).optional(),
    "TimescaleDB's reorder policy; none: the table has no such policy. Absent: not managed.",
    {examples: ['none', {index: 'ticks_symbol_time_idx'}]},
  ),
})
/** An entry of `aggregates`. */
export const aggregate = z.strictObject({
  refresh: about(
    z.union([none, refresh]).optional(),
    "Refresh policy; none: the aggregate has no such policy. Absent: the definition's, else not managed.",
    {examples: [{startOffset: '3 hours', endOffset: '1 hour', every: '1 hour'}]},
  ),
  ...policies,
})

import {z} from 'zod'
import {redact} from '../db/redact.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {messageOf} from '../errors.js'
import {parseInstant} from '../units/instant.js'
import {isZone} from '../units/zone.js'
import {about, duration, qualified} from './fields.js'
import {jobsSchema} from './jobs.js'
import {ownTableFields} from './own-table.js'
import {knownHazards} from '../run/hazards/known.js'
import {userTableProblems} from '../schema/user-tables.js'

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

const url = z
  .string()
  .min(1)
  .refine(
    (text) => !holdsPassword(text),
    'a password does not belong in this file; use ${VARIABLE}, PGPASSWORD or PGPASSFILE',
  )

const target = z.strictObject({
  url: about(
    url,
    'Address of the database: postgres://… or embedded:<directory>. ${VARIABLE} is read from the environment.',
    {
      examples: ['postgres://ops@db1:5432/market', '${QICORE_PROD_URL}', 'embedded:.qicore/db'],
    },
  ),
  directUrl: about(
    url.optional(),
    'Address that bypasses a transaction pooler, for operations that need a session: refresh, detach, daemon.',
    {examples: ['${QICORE_PROD_DIRECT_URL}']},
  ),
  role: about(z.string().min(1).optional(), 'Role for changes (SET ROLE), which then owns what they create.', {
    examples: ['market_owner'],
  }),
  protected: about(
    z.boolean().default(false),
    'Changes that are hard to undo also require the name of the target (--confirm <name>; --yes is not enough).',
    {
      examples: [true],
    },
  ),
})

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
})
const retention = z.strictObject({
  after: after('Age at which a chunk is dropped, counted from its end.', ['2 years', '90 days']),
  native: about(
    z.boolean().default(false),
    "TimescaleDB's own policy, which drops without a check, instead of the gated one. Creating it requires the target's name.",
    {examples: [true]},
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
  every: about(z.enum(['month', 'day']).optional(), 'Length of one partition.', {default: 'month'}),
  ahead: about(z.int().min(0).max(366).optional(), 'Partitions that always exist after the current one.', {
    default: 3,
    examples: [7],
  }),
  timezone: about(
    z.string().refine(isZone, 'not a time zone: write a name such as Europe/Berlin').optional(),
    'Time zone whose midnights are the partition boundaries.',
    {default: 'UTC', examples: ['Europe/Berlin']},
  ),
  earliest: about(instant.optional(), 'No partition is created for times before this.', {
    default: '2009-01-03',
    examples: ['2020-01-01'],
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
    {examples: ['none', {after: '2 years'}]},
  ),
}
const table = z.strictObject({
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
const aggregate = z.strictObject({
  refresh: about(
    z.union([none, refresh]).optional(),
    "Refresh policy; none: the aggregate has no such policy. Absent: the definition's, else not managed.",
    {examples: [{startOffset: '3 hours', endOffset: '1 hour', every: '1 hour'}]},
  ),
  ...policies,
})

/** Those that refuse an operation: the others are findings of doctor, with nothing to accept. */
const operationHazards = knownHazards.filter(({unsafe}) => unsafe !== null).map(({id}) => id) as [string, ...string[]]

const limits = z.strictObject({
  lockTimeout: about(duration.optional(), 'Time that a step waits for a lock.', {default: '2s', examples: ['5s']}),
  exclusiveLockTimeout: about(duration.optional(), 'The same for a step that takes ACCESS EXCLUSIVE.', {
    default: '500ms',
    examples: ['1s'],
  }),
  maxDropPerRun: about(
    z.int().positive().optional(),
    'Maximum number of chunks that one run of gated retention drops.',
    {
      default: 8,
      examples: [20],
    },
  ),
  lateAfter: about(duration.optional(), 'Time that due work may wait before it is late.', {
    default: '6h',
    examples: ['1 day'],
  }),
  acceptedHazards: about(
    z.array(z.enum(operationHazards)).optional(),
    'Known defects of the server in spite of which commands and the daemon make a change.',
    {examples: [['timescaledb-9339']]},
  ),
})

/** `a.b` and `"a".b` are the same table, so only one of the entries could apply. */
function sameTwice(
  entries: object,
  context: {addIssue(issue: {code: 'custom'; message: string; path: string[]}): void},
): void {
  const seen = new Map<string, string>()
  for (const key of Object.keys(entries)) {
    const table = viewNameOf(key)
    const first = table === null ? undefined : seen.get(table)
    if (first !== undefined)
      context.addIssue({code: 'custom', path: [key], message: `it is the same table as ${first}`})
    else if (table !== null) seen.set(table, key)
  }
}

/** Null if the key is not a valid name, which is reported elsewhere. */
function viewNameOf(key: string): string | null {
  try {
    const {schema, name} = parseQualifiedName(key)
    return formatQualifiedName(schema ?? 'public', name)
  } catch {
    return null
  }
}

/** Described tables are validated like definitions, even if other parts of the file have errors. */
const tables = z.record(qualified, table).superRefine(
  (entries, context) => {
    sameTwice(entries, context)
    for (const {at, message} of userTableProblems(entries)) context.addIssue({code: 'custom', path: at, message})
  },
  {when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value)},
)

const whole = z.strictObject({
  version: about(z.literal(1), 'Version of this format.'),
  default: about(z.string().min(1).optional(), 'Target of a command that names no database.', {examples: ['local']}),
  targets: about(
    z.record(z.string().regex(/^[\w.-]+$/, 'a name has letters, digits, . _ -'), target).default({}),
    'Databases by name, for --target.',
    {examples: [{local: {url: 'embedded:.qicore/db'}}]},
  ),
  migrations: about(
    z.enum(['all', 'own']).optional(),
    'own: migrate up and migrate status omit the tables of QiCore.',
    {default: 'all'},
  ),
  limits: about(limits.default({}), 'Timeouts and limits of every change.', {examples: [{lockTimeout: '5s'}]}),
  tables: about(tables.default({}), 'Tables by schema.name: their policies, and descriptions of your own tables.', {
    examples: [{'public.ticks': {compression: {after: '7 days'}}}],
  }),
  aggregates: about(
    z.record(qualified, aggregate).superRefine(sameTwice).default({}),
    'Aggregates by schema.name: their policies.',
    {examples: [{'public.ticks_1h': {refresh: {startOffset: '3 hours', endOffset: '1 hour', every: '1 hour'}}}]},
  ),
  jobs: about(jobsSchema.default({}), 'Scheduled jobs by name; none disables a default job.', {
    examples: [{maintain: {schedule: '0 2 * * *'}, refresh: 'none'}],
  }),
})

/** The validated configuration file: durations are parsed, `${…}` is not expanded yet. */
export const configSchema = whole.superRefine(
  ({default: name, targets}, context) => {
    const named = Object.keys(targets ?? {})
    if (typeof name === 'string' && !named.includes(name))
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: `there is no target "${name}" (targets: ${named.join(', ') || 'none'})`,
      })
  },
  {when: ({value}) => typeof value === 'object' && value !== null},
)

/** Whether the text has a password outside of variables. */
function holdsPassword(text: string): boolean {
  const rest = text.replace(/:(\$\{\w+\})?@/, '@').replace(/password=(\$\{\w+\})?(?=[&\s]|$)/gi, '')
  return redact(rest) !== rest
}

export type ConfigFile = z.output<typeof configSchema>

import {z} from 'zod'
import type {ParsedStatement} from '../schema/migrate/parse.js'
import {approximateSeconds, type Duration} from '../units/duration.js'
import {scheduleProblem} from '../units/schedule.js'
import {isZone} from '../units/zone.js'
import {defaultSchedules} from './default-jobs.js'
import {about, duration, qualified} from './fields.js'

const tables = about(z.array(qualified).min(1).optional(), 'Only these tables. Absent: all declared ones.', {
  examples: [['public.ticks']],
})
const atMost = about(
  z.int().positive().optional(),
  'Maximum number of chunks that one run compresses. Absent: all that are due.',
  {examples: [20]},
)

/** The options of each kind, in addition to those of every job. The kinds are implemented in src/jobs. */
const kinds = {
  compress: {tables, atMost},
  retain: {tables},
  refresh: {
    aggregates: about(z.array(qualified).min(1).optional(), 'Only these aggregates. Absent: all declared ones.', {
      examples: [['public.ticks_1h']],
    }),
  },
  analyze: {tables},
  partitions: {
    tables,
    ahead: about(z.int().min(0).max(366).optional(), 'Number of partitions that exist ahead of the current one.', {
      default: 3,
      examples: [7],
    }),
  },
  maintain: {tables, atMost},
  'prune-history': {
    keep: about(duration.optional(), 'How long finished runs are kept.', {default: '90d', examples: ['1 year']}),
  },
  snapshot: {
    keep: about(duration.optional(), 'How long the recorded sizes are kept.', {default: '2y', examples: ['5 years']}),
  },
  sql: {
    statement: about(z.string().min(1).optional(), 'The SQL to run; this or file.', {
      examples: ['refresh materialized view report'],
    }),
    file: about(
      z.string().min(1).optional(),
      'A file with the SQL, relative to the configuration; this or statement.',
      {examples: ['jobs/report.sql']},
    ),
    transaction: about(
      z.enum(['own', 'none']).default('own'),
      'none: for a single statement that cannot run inside a transaction.',
    ),
    repeatable: about(
      z.boolean().default(false),
      'With transaction none: the statement may be repeated if it is unknown whether it ran.',
      {examples: [true]},
    ),
    searchPath: about(z.string().min(1).default('public'), 'Schemas of the search path, before pg_catalog.', {
      examples: ['desk_b, public'],
    }),
  },
} as const

/** The parsed options of each kind. */
export interface JobOptions {
  compress: {tables?: string[] | undefined; atMost?: number | undefined}
  retain: {tables?: string[] | undefined}
  refresh: {aggregates?: string[] | undefined}
  analyze: {tables?: string[] | undefined}
  partitions: {tables?: string[] | undefined; ahead?: number | undefined}
  maintain: {tables?: string[] | undefined; atMost?: number | undefined}
  'prune-history': {keep?: Duration | undefined}
  snapshot: {keep?: Duration | undefined}
  sql: {
    statement?: string | undefined
    file?: string | undefined
    transaction: 'own' | 'none'
    repeatable: boolean
    searchPath: string
    statements?: readonly ParsedStatement[] | undefined
  }
}

export type JobKindName = keyof JobOptions
export type OptionsOf<Kind extends JobKindName> = JobOptions[Kind]

const schedule = about(
  z.string().superRefine((text, context) => {
    const problem = scheduleProblem(text)
    if (problem !== null) context.addIssue({code: 'custom', message: problem})
  }),
  'Cron schedule: five fields, six with seconds first, or @daily and the like.',
  {examples: ['0 2 * * *', '*/30 * * * * *', '@daily']},
)
const window = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'write it as "01:00-05:00"')
  .refine((text) => text.slice(0, 5) !== text.slice(6), 'it has no length')

const common = {
  timezone: about(
    z.string().refine(isZone, 'not a time zone: write a name such as Europe/Berlin or UTC').optional(),
    'Time zone of schedule and window.',
    {default: 'UTC', examples: ['Europe/Berlin']},
  ),
  window: about(window.optional(), 'Times of day at which the job may start a run or a further step.', {
    examples: ['01:00-05:00'],
  }),
  timeout: about(duration.optional(), 'A run that takes longer is cancelled, including its statement in the server.', {
    default: '1h',
    examples: ['2 hours'],
  }),
  retries: about(z.int().min(0).max(100).optional(), 'Attempts after a failure.', {default: 2, examples: [5]}),
  backoff: about(duration.optional(), 'Wait before the first retry; it doubles each time.', {
    default: '30s',
    examples: ['1min'],
  }),
  catchUp: about(z.enum(['none', 'once', 'all']).optional(), 'Which missed due times are caught up.', {
    default: 'once',
  }),
  catchUpLimit: about(
    z.int().positive().max(1_000).optional(),
    'Number of newest due times that `catchUp: all` catches up.',
    {default: 100, examples: [10]},
  ),
  overlap: about(
    z.enum(['skip', 'queue']).optional(),
    'What happens to a due time while the previous run is still running.',
    {default: 'skip'},
  ),
  jitter: about(duration.optional(), 'Maximum delay of a run; every daemon uses the same one for one due time.', {
    default: '0s',
    examples: ['5min'],
  }),
  lateAfter: about(
    duration.optional(),
    'A run that starts later than this is late; a due time not started by then makes /readyz fail.',
    {default: '1min', examples: ['10min']},
  ),
  runner: about(
    z.enum(['auto', 'daemon', 'pg_cron']).optional(),
    'auto: pg_cron if `cron install` scheduled the job, else the daemon; daemon: the daemon, even if pg_cron ' +
      'has the job.',
    {default: 'auto'},
  ),
}

const jobName = /^[a-z0-9][a-z0-9_.-]{0,62}$/
const none = z.literal('none')
const sqlSource = (job: {statement?: string | undefined; file?: string | undefined}) =>
  (job.statement === undefined) !== (job.file === undefined)
const sqlNeeds = {message: 'it needs either statement or file', path: ['statement']}

/** An entry whose name is a kind. */
const named = <Kind extends JobKindName>(kind: Kind) =>
  z.strictObject({
    kind: about(z.literal(kind).default(kind as never), 'Kind of the job.'),
    schedule: schedule.optional(),
    ...common,
    ...kinds[kind],
  })
/** An entry with any name, which states its kind. */
const kinded = <Kind extends JobKindName>(kind: Kind) =>
  z.strictObject({kind: about(z.literal(kind), 'Kind of the job.'), schedule, ...common, ...kinds[kind]})
const scheduled = <Kind extends JobKindName>(kind: Kind) =>
  named(kind).refine((job) => (job as {schedule?: string}).schedule !== undefined, {
    message: 'it needs a schedule',
    path: ['schedule'],
  })

/** Description of each kind, for editors. */
const jobMeaning: Readonly<Record<JobKindName, string>> = {
  compress: 'Compresses the chunks that are due by the declared policies.',
  retain: 'Drops the chunks that are due by the gated retention policies.',
  refresh: 'Refreshes the declared aggregates.',
  analyze: 'Updates the statistics of the query planner.',
  partitions: 'Creates partitions ahead of time on plain PostgreSQL.',
  maintain: 'Compresses due chunks and updates statistics.',
  'prune-history': 'Removes finished runs from the ledger.',
  snapshot: 'Records the sizes of tables, database and tablespaces, for stats growth.',
  sql: 'Runs SQL of your own.',
}

const entry = <Schema extends z.ZodType>(schema: Schema, description: string) =>
  about(z.union([none, schema]).optional(), `${description} none disables it.`, {
    examples: ['none', {schedule: '0 2 * * *'}],
  })

/** The section `jobs:`. An entry `none` disables a default job. */
export const jobsSchema = z
  .object({
    maintain: entry(named('maintain'), jobMeaning.maintain),
    refresh: entry(named('refresh'), jobMeaning.refresh),
    retain: entry(named('retain'), jobMeaning.retain),
    partitions: entry(named('partitions'), jobMeaning.partitions),
    'prune-history': entry(named('prune-history'), jobMeaning['prune-history']),
    snapshot: entry(named('snapshot'), jobMeaning.snapshot),
    compress: entry(scheduled('compress'), jobMeaning.compress),
    analyze: entry(scheduled('analyze'), jobMeaning.analyze),
    sql: entry(scheduled('sql').refine(sqlSource, sqlNeeds), jobMeaning.sql),
  })
  .catchall(
    z.union([
      none,
      z.discriminatedUnion('kind', [
        kinded('compress'),
        kinded('retain'),
        kinded('refresh'),
        kinded('analyze'),
        kinded('partitions'),
        kinded('maintain'),
        kinded('prune-history'),
        kinded('snapshot'),
        kinded('sql').refine(sqlSource, sqlNeeds),
      ]),
    ]),
  )
  .refine((jobs) => Object.keys(jobs as object).every((name) => jobName.test(name)), {
    error: ({input}) =>
      `a job's name may have lower-case letters, digits, . _ -, but not ${Object.keys(input as object)
        .filter((name) => !jobName.test(name))
        .map((name) => `"${name}"`)
        .join(', ')}`,
    // Runs even if there are other errors, but requires a map.
    when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value),
  })
  .meta({id: 'jobs'})

type JobEntry = {[Kind in JobKindName]: z.output<ReturnType<typeof named<Kind>>>}[JobKindName]

/** A job as the daemon runs it, with all defaults applied. Times are milliseconds. */
export interface Job<Kind extends JobKindName = JobKindName> {
  name: string
  /** The name of its database in the configuration; null if it has none. */
  target: string | null
  kind: Kind
  options: OptionsOf<Kind>
  schedule: string
  timezone: string
  window: string | null
  timeout: number
  retries: number
  backoff: number
  catchUp: 'none' | 'once' | 'all'
  catchUpLimit: number
  overlap: 'skip' | 'queue'
  jitter: number
  lateAfter: number
  runner: 'auto' | 'daemon' | 'pg_cron'
  /** Fields that the configuration sets, as opposed to defaults. */
  given: readonly string[]
  /** False for a default job. */
  declared: boolean
}

const ms = (duration: Duration | undefined, otherwise: number) =>
  duration === undefined ? otherwise : Math.round(approximateSeconds(duration) * 1000)

/**
 * All jobs: the defaults, overridden by the configuration, by name.
 * @param target the name of their database; null if it has none
 */
export function jobsOf(declared: z.output<typeof jobsSchema>, target: string | null = null): Job[] {
  const entries = declared as Record<string, JobEntry | 'none' | undefined>
  const defaults: Record<string, string> = defaultSchedules
  const names = [...new Set([...Object.keys(defaults), ...Object.keys(entries)])].sort()
  return names.flatMap((name) => {
    const given = Object.hasOwn(entries, name) ? entries[name] : undefined
    if (given === 'none') return []
    const job = given ?? ({kind: name} as JobEntry)
    const options = Object.fromEntries(Object.entries(job).filter(([key]) => Object.hasOwn(kinds[job.kind], key)))
    return [
      {
        name,
        target,
        kind: job.kind,
        options: options as Job['options'],
        schedule: (job.schedule ?? defaults[name]!).trim(),
        timezone: job.timezone ?? 'UTC',
        window: job.window ?? null,
        timeout: ms(job.timeout, 3_600_000),
        retries: job.retries ?? 2,
        backoff: ms(job.backoff, 30_000),
        catchUp: job.catchUp ?? 'once',
        catchUpLimit: job.catchUpLimit ?? 100,
        overlap: job.overlap ?? 'skip',
        jitter: ms(job.jitter, 0),
        lateAfter: ms(job.lateAfter, 60_000),
        runner: job.runner ?? 'auto',
        given: Object.entries(job)
          .filter(([key, value]) => value !== undefined && Object.hasOwn(common, key))
          .map(([key]) => key),
        declared: given !== undefined,
      },
    ]
  })
}

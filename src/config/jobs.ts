import {z} from 'zod'
import type {ParsedStatement} from '../schema/migrate/parse.js'
import {approximateSeconds, type Duration} from '../units/duration.js'
import {scheduleProblem} from '../units/schedule.js'
import {isZone} from '../units/zone.js'
import {duration, qualified} from './fields.js'

const tables = z.array(qualified).min(1).optional().describe('only these; all declared ones where nothing is said')
const atMost = z.int().positive().optional().describe('chunks a run')

/** What each kind of job takes beside what all jobs take. The kinds themselves are in src/jobs. */
const kinds = {
  compress: {tables, atMost},
  retain: {tables},
  refresh: {aggregates: z.array(qualified).min(1).optional().describe('only these; all declared ones where nothing is said')},
  analyze: {tables},
  partitions: {tables, ahead: z.int().min(0).max(366).optional().describe('partitions kept ready after the one of now (3)')},
  maintain: {tables, atMost},
  'prune-history': {keep: duration.optional().describe('how long the ledger keeps what has ended (90d)')},
  sql: {
    statement: z.string().min(1).optional().describe('what is run'),
    file: z.string().min(1).optional().describe('a file with it, relative to this one'),
    transaction: z.enum(['own', 'none']).default('own').describe('none: for one statement that refuses to be in a transaction'),
    repeatable: z.boolean().default(false).describe('transaction none: may be run again when nobody knows whether it was'),
    searchPath: z.string().min(1).default('public').describe('schemas, before pg_catalog'),
  },
} as const

/** What a kind takes, as it comes out of the schema. */
export interface JobOptions {
  compress: {tables?: string[] | undefined; atMost?: number | undefined}
  retain: {tables?: string[] | undefined}
  refresh: {aggregates?: string[] | undefined}
  analyze: {tables?: string[] | undefined}
  partitions: {tables?: string[] | undefined; ahead?: number | undefined}
  maintain: {tables?: string[] | undefined; atMost?: number | undefined}
  'prune-history': {keep?: Duration | undefined}
  sql: {statement?: string | undefined; file?: string | undefined; transaction: 'own' | 'none'; repeatable: boolean; searchPath: string; statements?: readonly ParsedStatement[] | undefined}
}

export type JobKindName = keyof JobOptions
export type OptionsOf<Kind extends JobKindName> = JobOptions[Kind]
export const jobKinds = Object.keys(kinds) as JobKindName[]

const schedule = z
  .string()
  .superRefine((text, context) => {
    const problem = scheduleProblem(text)
    if (problem !== null) context.addIssue({code: 'custom', message: problem})
  })
  .describe('cron: five fields, six with seconds first, or @daily and the like')
const window = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'write it as "01:00-05:00"')
  .refine((text) => text.slice(0, 5) !== text.slice(6), 'it has no length')

const common = {
  timezone: z.string().refine(isZone, 'no time zone: write a name such as Europe/Berlin or UTC').optional().describe('whose clocks schedule and window follow (UTC)'),
  window: window.optional().describe('"01:00-05:00": nothing is begun outside of it, nor a further step'),
  timeout: duration.optional().describe('then it is cancelled, in the server too (1h)'),
  retries: z.int().min(0).max(100).optional().describe('tries after a failed one (2)'),
  backoff: duration.optional().describe('before the first of them; doubles each time (30s)'),
  catchUp: z.enum(['none', 'once', 'all']).optional().describe('what becomes of instants that nobody was there for (once)'),
  catchUpLimit: z.int().positive().max(1_000).optional().describe('how many of the newest `all` makes up for (100)'),
  overlap: z.enum(['skip', 'queue']).optional().describe('an instant that comes while the one before still runs (skip)'),
  jitter: duration.optional().describe('up to this much later; the same for the same instant everywhere'),
  lateAfter: duration.optional().describe('a start later than this is late, and an instant not begun makes /readyz fail (1min)'),
  runner: z.enum(['auto', 'daemon', 'pg_cron']).optional().describe('auto: pg_cron where `cron install` has put it, else the daemon; daemon: takes over, also from pg_cron'),
}

/** What runs without any configuration: on declared tables only. */
const defaultSchedules = {
  maintain: '0 2 * * *',
  refresh: '5 * * * *',
  retain: '30 2 * * *',
  partitions: '@daily',
  'prune-history': '@weekly',
} as const

const jobName = /^[a-z0-9][a-z0-9_.-]{0,62}$/
const none = z.literal('none')
const sqlSource = (job: {statement?: string | undefined; file?: string | undefined}) => (job.statement === undefined) !== (job.file === undefined)
const sqlNeeds = {message: 'it needs one of statement and file', path: ['statement']}

/** An entry whose name says what it is. */
const named = <Kind extends JobKindName>(kind: Kind) => z.strictObject({kind: z.literal(kind).default(kind as never), schedule: schedule.optional(), ...common, ...kinds[kind]})
/** An entry of any name, which says it. */
const kinded = <Kind extends JobKindName>(kind: Kind) => z.strictObject({kind: z.literal(kind), schedule, ...common, ...kinds[kind]})
const scheduled = <Kind extends JobKindName>(kind: Kind) => named(kind).refine((job) => (job as {schedule?: string}).schedule !== undefined, {message: 'it needs a schedule', path: ['schedule']})

/** The section `jobs:`. An entry `none` switches off what would be there without it. */
export const jobsSchema = z
  .object({
    maintain: z.union([none, named('maintain')]).optional(),
    refresh: z.union([none, named('refresh')]).optional(),
    retain: z.union([none, named('retain')]).optional(),
    partitions: z.union([none, named('partitions')]).optional(),
    'prune-history': z.union([none, named('prune-history')]).optional(),
    compress: z.union([none, scheduled('compress')]).optional(),
    analyze: z.union([none, scheduled('analyze')]).optional(),
    sql: z.union([none, scheduled('sql').refine(sqlSource, sqlNeeds)]).optional(),
  })
  .catchall(
    z.union([
      none,
      z.discriminatedUnion('kind', [
        kinded('compress'), kinded('retain'), kinded('refresh'), kinded('analyze'),
        kinded('partitions'), kinded('maintain'), kinded('prune-history'), kinded('sql').refine(sqlSource, sqlNeeds),
      ]),
    ]),
  )
  .refine((jobs) => Object.keys(jobs as object).every((name) => jobName.test(name)), {
    error: ({input}) => `a job's name has small letters, digits, . _ -, not ${Object.keys(input as object).filter((name) => !jobName.test(name)).map((name) => `"${name}"`).join(', ')}`,
    // Also beside other mistakes, but only where there are names.
    when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value),
  })

type Entry = {[Kind in JobKindName]: z.output<ReturnType<typeof named<Kind>>>}[JobKindName]

/** A job as the daemon runs it: nothing is left open. Times are milliseconds. */
export interface Job<Kind extends JobKindName = JobKindName> {
  name: string
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
  /** The fields that were written down, as opposed to those that are as nobody said otherwise. */
  given: readonly string[]
  /** False for what is there without being asked for. */
  declared: boolean
}

const ms = (duration: Duration | undefined, otherwise: number) => (duration === undefined ? otherwise : Math.round(approximateSeconds(duration) * 1000))

/** All jobs: the configuration's over the defaults, by name. */
export function jobsOf(declared: z.output<typeof jobsSchema>): Job[] {
  const entries = declared as Record<string, Entry | 'none' | undefined>
  const defaults: Record<string, string> = defaultSchedules
  const names = [...new Set([...Object.keys(defaults), ...Object.keys(entries)])].sort()
  return names.flatMap((name) => {
    const given = Object.hasOwn(entries, name) ? entries[name] : undefined
    if (given === 'none') return []
    const job = given ?? ({kind: name} as Entry)
    const options = Object.fromEntries(Object.entries(job).filter(([key]) => Object.hasOwn(kinds[job.kind], key)))
    return [{
      name,
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
      given: Object.entries(job).filter(([key, value]) => value !== undefined && Object.hasOwn(common, key)).map(([key]) => key),
      declared: given !== undefined,
    }]
  })
}

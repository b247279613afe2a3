import {z} from 'zod'
import {redact} from '../db/redact.js'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {messageOf} from '../errors.js'
import {parseInstant} from '../units/instant.js'
import {isZone} from '../units/zone.js'
import {duration, qualified} from './fields.js'
import {jobsSchema} from './jobs.js'
import {ownTableFields} from './own-table.js'
import {userTableProblems} from '../schema/user-tables.js'

/** An instant field: text as {@link parseInstant} reads it; YAML's own timestamps stay text. */
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

const url = z.string().min(1).refine((text) => !holdsPassword(text), 'a password does not belong in this file; use ${VARIABLE}, PGPASSWORD or PGPASSFILE')

const target = z.strictObject({
  url: url.describe('postgres://… or embedded:<directory>; ${VARIABLE} is read from the environment'),
  directUrl: url.optional().describe('past a transaction pooler: refresh, detach, daemon'),
  role: z.string().min(1).optional().describe('SET ROLE for changes, so that what is made belongs to it'),
  protected: z.boolean().default(false).describe('a loss asks for the name of the target'),
})

const compression = z.strictObject({after: duration, segmentBy: columns.optional(), orderBy: columns.optional()})
const retention = z.strictObject({
  after: duration,
  native: z.boolean().default(false).describe("TimescaleDB's own ungated policy instead of the gated one; making it is a loss"),
})
const refresh = z.strictObject({startOffset: duration, endOffset: duration, every: duration})

const partitions = z.strictObject({
  every: z.enum(['month', 'day']).optional().describe('how long one partition is (month)'),
  ahead: z.int().min(0).max(366).optional().describe('periods after the one of now that are always there (3)'),
  timezone: z.string().refine(isZone, 'no time zone: write a name such as Europe/Berlin').optional().describe('whose midnights are the boundaries (UTC)'),
  earliest: instant.optional().describe('no partition is made for times before this (2009-01-03)'),
  within: duration.optional().describe('nor for times further ahead than this (1 year)'),
})

const table = z.strictObject({
  ...ownTableFields,
  timeUnit: z.enum(['s', 'ms', 'us', 'ns']).optional().describe('what one is, where time is an integer'),
  chunkInterval: duration.optional(),
  partitions: z.union([none, partitions]).optional().describe('plain PostgreSQL: what is kept there ahead of time'),
  compression: z.union([none, compression]).optional(),
  retention: z.union([none, retention]).optional(),
})
const aggregate = z.strictObject({
  refresh: z.union([none, refresh]).optional(),
  compression: z.union([none, compression]).optional(),
  retention: z.union([none, retention]).optional(),
})

const limits = z.strictObject({
  lockTimeout: duration.optional().describe('how long a step waits for a lock (2s)'),
  exclusiveLockTimeout: duration.optional().describe('the same where it takes ACCESS EXCLUSIVE (500ms)'),
  maxDropPerRun: z.int().positive().optional().describe('chunks that one run may drop (8)'),
  lateAfter: duration.optional().describe('how long due work may wait before it is late (6h)'),
})

/** `a.b` and `"a".b` are one table, and only one entry could count. */
function sameTwice(entries: object, context: {addIssue(issue: {code: 'custom'; message: string; path: string[]}): void}): void {
  const seen = new Map<string, string>()
  for (const key of Object.keys(entries)) {
    const table = nameOf(key)
    const first = table === null ? undefined : seen.get(table)
    if (first !== undefined) context.addIssue({code: 'custom', path: [key], message: `it is the same table as ${first}`})
    else if (table !== null) seen.set(table, key)
  }
}

/** Null where it is none, which has an error of its own. */
function nameOf(key: string): string | null {
  try {
    const {schema, name} = parseQualifiedName(key)
    return formatQualifiedName(schema ?? 'public', name)
  } catch {
    return null
  }
}

/** Tables that describe themselves are checked as definitions are; also where another part of the file has errors. */
const tables = z.record(qualified, table).superRefine((entries, context) => {
  sameTwice(entries, context)
  for (const {at, message} of userTableProblems(entries)) context.addIssue({code: 'custom', path: at, message})
}, {when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value)})

const whole = z.strictObject({
  version: z.literal(1),
  default: z.string().min(1).optional(),
  targets: z.record(z.string().regex(/^[\w.-]+$/, 'a name of letters, digits, . _ -'), target).default({}),
  migrations: z.enum(['all', 'own']).optional().describe('own: migrate up and status leave the tables of QiCore out'),
  limits: limits.default({}),
  tables: tables.default({}),
  aggregates: z.record(qualified, aggregate).superRefine(sameTwice).default({}),
  jobs: jobsSchema.default({}),
})

/** The configuration file, checked; durations are parsed, `${…}` is not expanded yet. */
export const configSchema = whole.superRefine(({default: name, targets}, context) => {
  const named = Object.keys(targets ?? {})
  if (typeof name === 'string' && !named.includes(name)) context.addIssue({code: 'custom', path: ['default'], message: `there is no target "${name}" (targets: ${named.join(', ') || 'none'})`})
}, {when: ({value}) => typeof value === 'object' && value !== null})

/** What would be hidden if it were printed, but for what stands in a variable. */
function holdsPassword(text: string): boolean {
  const rest = text.replace(/:(\$\{\w+\})?@/, '@').replace(/password=(\$\{\w+\})?(?=[&\s]|$)/gi, '')
  return redact(rest) !== rest
}

export type ConfigFile = z.output<typeof configSchema>
export type TargetEntry = z.output<typeof target>

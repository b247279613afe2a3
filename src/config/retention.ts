import {z} from 'zod'
import {approximateSeconds, durationInWords, type Duration} from '../units/duration.js'
import type {Stages} from '../partitions/retain/stages.js'
import {exportFormats, type ExportSettings} from '../export/settings.js'
import {about, duration} from './fields.js'

const age = (description: string, examples: string[]) => about(duration.optional(), description, {examples})
const name = z.string().min(1)

const to = z
  .string()
  .regex(
    /^(?:\/|[A-Za-z]:[\\/]|s3:\/\/[^/]+)/,
    'write an absolute directory, or s3://bucket/prefix: a daemon has another working directory',
  )

const exported = z.strictObject({
  to: about(to, 'Directory, or s3://bucket/prefix. Keys of S3 come from the environment (AWS_ACCESS_KEY_ID, …).', {
    examples: ['/var/backups/market', 's3://archive/market'],
  }),
  format: about(z.enum(exportFormats).default('parquet'), 'Format of the files.', {examples: ['csv']}),
  endpoint: about(z.url({protocol: /^https?$/}).optional(), 'Address of an S3-compatible store that is not AWS.', {
    examples: ['https://minio.example:9000'],
  }),
  region: about(name.optional(), 'Region of the bucket.', {default: 'AWS_REGION', examples: ['eu-central-1']}),
})

const archive = z.strictObject({
  after: about(duration, 'Age of a detached partition at which it is archived.', {examples: ['1 year']}),
  schema: about(name.optional(), 'Schema to which its table is moved.', {examples: ['archive']}),
  tablespace: about(name.optional(), 'Tablespace to which its table and indexes are moved.', {examples: ['cold']}),
  export: about(exported.optional(), 'Where its rows are exported to; it is not dropped before this is verified.', {
    examples: [{to: '/var/backups/market', format: 'parquet'}],
  }),
})

const written = z
  .strictObject({
    after: age('Age at which a chunk or partition is dropped, counted from its end.', ['2 years', '90 days']),
    native: about(
      z.boolean().optional(),
      "TimescaleDB's own policy, which drops without a check, instead of the gated one. Creating it requires the " +
        "target's name.",
      {default: false, examples: [true]},
    ),
    detach: age('Instead of after: age at which a partition is detached and kept as a separate table.', ['90 days']),
    archive: about(archive.optional(), 'What happens to a detached partition at a later age.', {
      examples: [{after: '1 year', schema: 'archive'}],
    }),
    drop: age('Age at which a detached partition is dropped. Absent: never.', ['2 years']),
    export: about(
      exported.optional(),
      'Beside after, for a hypertable: where a chunk is exported to; it is not dropped before this is verified.',
      {examples: [{to: '/var/backups/market', format: 'parquet'}]},
    ),
  })
  .superRefine(
    (value, context) => {
      for (const {path, message} of retentionProblems(value))
        context.addIssue({code: 'custom', path: [...path], message})
    },
    {when: ({value}) => typeof value === 'object' && value !== null && !Array.isArray(value)},
  )

/** A retention as written: its fields may be missing or, where they have a mistake of their own, of another type. */
interface Written {
  after?: Duration | undefined
  native?: boolean | undefined
  detach?: Duration | undefined
  archive?:
    | {after: Duration; schema?: string | undefined; tablespace?: string | undefined; export?: unknown}
    | undefined
  drop?: Duration | undefined
  export?: unknown
}

interface RetentionProblem {
  path: readonly string[]
  message: string
}

/** What no single field shows: which fields exclude or need each other, and the order of the ages. */
function retentionProblems(value: Written): RetentionProblem[] {
  const {after, native, detach, archive: archived, drop, export: exportTo} = value
  const has = (field: unknown) => field !== undefined
  const problems: RetentionProblem[] = []
  const find = (message: string, ...path: string[]) => void problems.push({path, message})
  const staged = has(detach) || has(archived) || has(drop)
  if (!has(after) && !staged) find('write after, or detach with archive and drop')
  if (has(after) && staged) find('after drops at once: write either after, or detach, archive and drop', 'after')
  if (native === true && staged) find('a native retention has no stages', 'native')
  if (native === true && has(exportTo)) find("a native retention is TimescaleDB's own, which exports nothing", 'native')
  if (has(exportTo) && staged) find('with stages, write it as archive: {after, export}', 'export')
  if (!has(detach) && staged && !has(after))
    find('a partition is archived and dropped only after its detach: write detach')
  if (isObject(archived) && !has(archived.schema) && !has(archived.tablespace) && !has(archived.export))
    find('write schema, tablespace or export: there is nothing else to do', 'archive')
  return [...problems, ...orderProblems(value)]
}

/** Each age must be at least the one before it. */
function orderProblems({detach, archive: archived, drop}: Written): RetentionProblem[] {
  const ages = [
    {stage: 'detach', path: ['detach'], age: detach},
    {stage: 'archive', path: ['archive', 'after'], age: isObject(archived) ? archived.after : undefined},
    {stage: 'drop', path: ['drop'], age: drop},
  ].flatMap(({age: given, ...rest}) => (isObject(given) ? [{...rest, age: given as Duration}] : []))
  return ages.slice(1).flatMap(({stage, path, age: own}, index) => {
    const before = ages[index]!
    if (approximateSeconds(own) >= approximateSeconds(before.age)) return []
    return [
      {
        path,
        message:
          `${durationInWords(own)} is less than the ${durationInWords(before.age)} of ${before.stage}: ${stage} ` +
          'comes after it',
      },
    ]
  })
}

const isObject = (value: unknown): value is Record<string, unknown> & Duration =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A retention of the configuration. With stages, `after` is the age at which rows leave the table: that of detach. */
export interface WrittenRetention {
  after: Duration
  native: boolean
  stages: Stages | null
  /** Where a chunk is exported to before it is dropped; null: nowhere. */
  exportTo: ExportSettings | null
}

export const retention = written.transform(
  ({after, native, detach, archive: archived, drop, export: exportTo}): WrittenRetention => ({
    after: (detach ?? after)!,
    native: native ?? false,
    exportTo: exportTo ?? null,
    stages:
      detach === undefined
        ? null
        : {
            detach,
            archive: archived
              ? {
                  after: archived.after,
                  schema: archived.schema ?? null,
                  tablespace: archived.tablespace ?? null,
                  export: archived.export ?? null,
                }
              : null,
            drop: drop ?? null,
          },
  }),
)

import {declarationOf} from '../catalog/declaration-line.js'
import type {TimeUnit} from '../catalog/time.js'
import type {KeyDeclaration} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {doBlock, ident, inline, sql, statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {parseDuration} from '../units/duration.js'
import {parseEvery, type Every} from '../units/period.js'
import {adoptStep} from './shadow.js'
import type {Source} from './source.js'

/** The row of a set in pg_partman's part_config. */
export interface PartmanRow {
  /** Name of the configuration table, as SQL writes it. */
  config: string
  schema: string
  parent: string
  /** PostgreSQL's interval, or a number for integer keys. */
  interval: string
  premake: number | null
  /** Unit in which an integer key stores time; null if the key is not a time, or has the type of a time. */
  timeUnit: TimeUnit | null
  retention: string | null
  keepsTables: boolean | null
  /** Schema to which old partitions are moved. */
  retentionSchema: string | null
  template: string | null
  /** Sets below this one that have a row of their own, as schema.name. */
  below: string[]
  /** A partition of it that is partitioned by range itself, as SQL writes it; null if none is. */
  ranged: string | null
}

const timeUnits: Record<string, TimeUnit> = {seconds: 's', milliseconds: 'ms', microseconds: 'us', nanoseconds: 'ns'}

/** @returns null if pg_partman is not installed or does not manage the set */
export async function readPartman(db: Database, {oid, schema, table}: Source): Promise<PartmanRow | null> {
  const [extension] = await db.query<{schema: string}>(statement(loadSql('adopt/partman')))
  if (extension === undefined) return null
  const config = ident(extension.schema, 'part_config')
  // Versions differ in their columns, so the row is read as a document.
  const rows = await db.query<{
    row: Record<string, string | number | boolean | null>
    below: string[]
    ranged: string | null
  }>(
    sql`select to_jsonb(c) as row, array(
  select b.parent_table from pg_partition_tree(${oid}::int8::oid) t
  join pg_class k on k.oid = t.relid and t.level > 0 and not t.isleaf
  join ${config} b on b.parent_table = format('%s.%s', k.relnamespace::regnamespace::name, k.relname) order by 1
) as below, (
  select i.inhrelid::regclass::text from pg_inherits i join pg_partitioned_table p on p.partrelid = i.inhrelid
  where i.inhparent = ${oid}::int8::oid and p.partstrat = 'r' order by 1 limit 1
) as ranged
from ${config} c where parent_table = ${`${schema}.${table}`}`,
  )
  const {row, below, ranged} = rows[0] ?? {}
  if (row === undefined) return null
  return {
    below: below!,
    ranged: ranged!,
    timeUnit: timeUnits[String(row.epoch)] ?? null,
    retentionSchema: row.retention_schema ? String(row.retention_schema) : null,
    config: formatQualifiedName(extension.schema, 'part_config'),
    schema: extension.schema,
    parent: String(row.parent_table),
    interval: String(row.partition_interval),
    premake: row.premake === null || row.premake === undefined ? null : Number(row.premake),
    retention: row.retention === null || row.retention === undefined ? null : String(row.retention),
    keepsTables: typeof row.retention_keep_table === 'boolean' ? row.retention_keep_table : null,
    template: row.template_table ? String(row.template_table) : null,
  }
}

/** Removes the row, so that pg_partman does not maintain the set any more. The partitions stay as they are. */
export function leavePartman({relation}: Source, {config, schema, parent}: PartmanRow): Step {
  const row = sql`delete from ${ident(schema, 'part_config')} where parent_table = ${parent}`
  return {
    ...adoptStep,
    id: `remove ${relation} from ${config}`,
    kind: 'adopt partman',
    object: relation,
    statements: [
      doBlock`
begin
  delete from ${ident(schema, 'part_config_sub')} where sub_parent = ${parent};
  ${row};
end`,
    ],
    lock: 'ROW EXCLUSIVE',
    doneCheck: sql`select not exists (select 1 from ${ident(schema, 'part_config')} where parent_table = ${parent}::text) as done`,
    dependsOn: [],
    relations: [config],
  }
}

/**
 * No other program would create the partitions of a set by numbers that are not a time.
 * @param declared how the key stores time; null if the table is not declared
 * @throws OpsError PARTITION_KEY
 */
export function requireTimes({relation}: Source, row: PartmanRow, declared: KeyDeclaration | null): void {
  if (!/^\d+$/.test(row.interval) || row.timeUnit !== null || (declared?.timeUnit ?? null) !== null) return
  throw usageError(
    'PARTITION_KEY',
    `${relation} is partitioned by numbers (pg_partman's interval is ${row.interval}): \`partitions ensure\` ` +
      'creates partitions by time only. Nothing was changed.',
    ['Leave the set to pg_partman.', `If the numbers store time, declare their unit: tables.${relation}.timeUnit.`],
  )
}

/**
 * A set that stays one needs a program that creates its next partitions: one with a period of this program, whose
 * partitions are not partitioned by range themselves.
 * @param isDeclared the configuration has a period for the set
 * @throws OpsError PARTITION_KEY
 */
export function requireKeepable({relation}: Source, {interval, ranged}: PartmanRow, isDeclared: boolean): void {
  if (ranged !== null)
    throw usageError(
      'PARTITION_KEY',
      `Partitions of ${relation} are partitioned by range themselves (${ranged}): \`partitions ensure\` creates no ` +
        'such partitions, as it does not know the ranges of a new one. Nothing was changed.',
      ['Leave the set to pg_partman.'],
    )
  if (everyOf(interval) !== null || isDeclared) return
  throw usageError(
    'PARTITION_KEY',
    `pg_partman's interval of ${relation} is ${interval}, which qicore-db does not support, and no other is ` +
      'declared: nothing would create its next partitions. Nothing was changed.',
    [
      `Declare another period: ${declarationOf('tables', relation, 'partitions: {every: 6h}')}. It applies after the ` +
        'last partition.',
      'Or leave the set to pg_partman.',
    ],
  )
}

/** What pg_partman did for the set, and the declaration that does the same here. */
export function partmanNotes({relation}: Source, row: PartmanRow): string[] {
  const every = everyOf(row.interval)
  const ahead = row.premake === null ? '' : `, ahead: ${row.premake}`
  const unit = row.timeUnit === null ? '' : `timeUnit: ${row.timeUnit}, `
  const retention = retentionOf(row)
  const more = retention === null ? '' : `, retention: ${retention}`
  return [
    `pg_partman manages ${relation} by the row '${row.parent}' of ${row.config} (interval ${row.interval}). By ` +
      'hand it is removed with: ' +
      `${inline(sql`DELETE FROM ${ident(row.schema, 'part_config')} WHERE parent_table = ${row.parent}`)}`,
    every === null
      ? `Declare the set, so that its partitions are kept ahead: tables.${relation}.partitions. Its interval ` +
        `${row.interval} is not a length of partitions that qicore-db supports.`
      : 'Declare the set, so that its partitions are kept ahead: ' +
        declarationOf('tables', relation, `${unit}partitions: {every: ${every}${ahead}}${more}`),
    ...(row.retention !== null && retention === null
      ? [
          `Its retention ${row.retention} is not a duration that qicore-db supports: declare ` +
            `tables.${relation}.retention.`,
        ]
      : []),
    ...(row.below.length === 0
      ? []
      : [
          `pg_partman still manages ${row.below.join(', ')} below it. New partitions of ${relation} have no ` +
            'partitions of their own.',
        ]),
    ...(row.template === null
      ? []
      : [
          `${row.template}, pg_partman's template, is not used any more: what is only on the template, such as ` +
            'unique indexes, is not on new partitions.',
        ]),
  ]
}

/** The declaration that does with old partitions what pg_partman does; null without one. */
function retentionOf({retention, keepsTables, retentionSchema}: PartmanRow): string | null {
  if (retention === null || !isDuration(retention)) return null
  if (retentionSchema !== null)
    return `{detach: ${retention}, archive: {after: ${retention}, schema: ${formatName(retentionSchema)}}}`
  return keepsTables === true ? `{detach: ${retention}}` : `{after: ${retention}}`
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text)
    return true
  } catch {
    return false
  }
}

/** The period of an interval; null if there is none. `1 mon`, `7 days`, `01:00:00`. */
export function everyOf(interval: string): Every | null {
  const names: Record<string, Every> = {
    hourly: 'hour',
    daily: 'day',
    weekly: 'week',
    monthly: 'month',
    quarterly: 'quarter',
    yearly: 'year',
    '7 days': 'week',
    '3 mons': 'quarter',
    '3 months': 'quarter',
  }
  const known = names[interval]
  if (known !== undefined) return known
  const [, hours] = /^(\d\d):00:00$/.exec(interval) ?? []
  try {
    return parseEvery(hours === undefined ? interval : `${Number(hours)} hours`)
  } catch {
    return null
  }
}

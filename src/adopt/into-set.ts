import {declarationOf} from '../catalog/declaration-line.js'
import type {Database} from '../db/database.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {sql} from '../db/sql.js'
import {changesOf} from './carried.js'
import {chainOf} from './chain.js'
import {copyOf} from './copy.js'
import {buildIndexes, createPartitions} from './fill.js'
import {findPeriods} from './find-periods.js'
import {completeSet, completionId, foreignKeySteps} from './finish-set.js'
import {leavingTimescaledb} from './hypertable.js'
import {rowKey} from './key.js'
import type {AdoptPeriod, AdoptPeriods} from './periods.js'
import {refusalsOf, refusalsOfSet} from './refusals.js'
import {refuseAll, type Adoption, type AdoptRequest, type Chain} from './request.js'
import {createShadow, emptySet} from './shadow.js'
import type {Source} from './source.js'
import type {Staging} from './staging.js'

/** The steps that make a table a partition set. */
export async function intoSet(db: Database, request: AdoptRequest, adoption: Adoption): Promise<Chain> {
  const {source, staging, state, found, column, key: timeKey} = adoption
  const {inventory} = found
  const leaving = source.kind === 'hypertable' ? await leavingTimescaledb(db, source) : {refusals: [], notes: []}
  refuseAll(source.relation, [...refusalsOf(inventory, column), ...refusalsOfSet(inventory), ...leaving.refusals])
  const key = rowKey(inventory, column)!
  const calendar = state ?? {...request.periods, every: request.periods.every ?? 'month'}
  const periods = await findPeriods(db, request, source, {column: column.name, key: timeKey}, calendar)
  const missing = await missingPartitions(db, source, staging, periods)
  // A partition that is created after the set was completed gets indexes and foreign keys when it is created.
  const complete = state?.built.includes(completionId(inventory)) ?? false
  const built = complete ? periods.filter((period) => !missing.includes(period)) : periods
  const shadow = {...found, staging, column: column.name, key, periods: calendar, target: 'set' as const}
  const steps = chainOf(adoption, {
    create: [
      ...(state === null ? [createShadow(shadow, emptySet(shadow))] : []),
      ...createPartitions(inventory, staging, missing),
    ],
    copy: await copyOf(db, adoption),
    complete: [
      ...built.map((period) => buildIndexes(inventory, staging, key, period)),
      completeSet(inventory, staging),
    ],
    foreignKeys: foreignKeySteps(inventory, staging, built),
    compared: periods,
    recordsReplicated: true,
  })
  return {
    summary: `adopt ${source.relation} as a set of ${periods.length} partitions`,
    steps,
    notes: [...leaving.notes, ...changesOf(inventory), ...declaration(source, calendar)],
  }
}

/** @throws OpsError CANNOT_ADOPT if a table with the name of a partition exists */
async function missingPartitions(
  db: Database,
  {schema, table, relation}: Source,
  staging: Staging,
  periods: readonly AdoptPeriod[],
): Promise<AdoptPeriod[]> {
  const names = periods.map(({partition}) => partition)
  const rows = await db.query<{name: string; parent: string | null}>(
    sql`select c.relname as name, (
  select format('%I.%I', n.nspname, p.relname)
  from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = p.relnamespace
  where i.inhrelid = c.oid
) as parent
from pg_class c
where c.relnamespace = (select oid from pg_namespace where nspname = ${schema}) and c.relname = any (${names}::text[])`,
  )
  const ours = formatQualifiedName(staging.schema, table)
  refuseAll(
    relation,
    rows
      .filter(({parent}) => parent !== ours)
      .map(({name}) => ({
        object: formatQualifiedName(schema, name),
        reason: 'a relation with the name of a partition exists already',
        fix: null,
      })),
  )
  const present = new Set(rows.map(({name}) => name))
  return periods.filter(({partition}) => !present.has(partition))
}

function declaration({relation}: Source, {every, zone}: AdoptPeriods): string[] {
  const more = zone === 'UTC' ? '' : `, timezone: ${zone}`
  return [
    'Declare the set, so that its partitions are kept ahead: ' +
      declarationOf('tables', relation, `partitions: {every: ${every}${more}}`),
  ]
}

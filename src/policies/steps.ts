import {timescaledbFunction} from '../db/server.js'
import {ident, literal, quoteIdent, raw, sql} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {TableState} from './table-state.js'
import type {Change, ChunkInterval, Compression, Settings} from './change.js'
import {readOrder} from './order.js'
import {age, ageJson, alterJob, policyStep, type StepContext} from './policy-step.js'
import {refreshSteps} from './steps-refresh.js'
import {removalStep, retentionStep} from './steps-retention.js'

/** The steps of one change, each a transaction of its own. */
export function stepsOf(change: Change, context: StepContext): Step[] {
  switch (change.do) {
    case 'settings':
      return [settingsStep(change, context)]
    case 'chunk interval':
      return [chunkIntervalStep(change, context)]
    case 'compression':
      return [compressionStep(change, context)]
    case 'refresh':
      return refreshSteps(change, context)
    case 'gated retention':
    case 'native retention':
      return [retentionStep(change, context)]
    case 'remove':
      return [removalStep(change, context)]
  }
}

function settingsStep({key, settings}: Settings, {table, state}: StepContext): Step {
  const of = ident(table.schema, table.name)
  const segmentBy = settings.segmentBy?.map(quoteIdent).join(', ')
  const orderBy = settings.orderBy?.map((text) => orderSql(text, state)).join(', ')
  const options = [
    'timescaledb.compress',
    ...(segmentBy === undefined ? [] : [`timescaledb.compress_segmentby = ${literal(segmentBy).text}`]),
    ...(orderBy === undefined ? [] : [`timescaledb.compress_orderby = ${literal(orderBy).text}`]),
  ]
  const statement = sql`alter ${raw(table.kind === 'aggregate' ? 'materialized view' : 'table')} ${of} set (${raw(options.join(', '))})`
  return policyStep(`compression settings of ${key}`, key, [statement], {
    kind: 'settings',
    lock: 'ACCESS EXCLUSIVE',
    relations: [key],
  })
}

function orderSql(text: string, {columns}: TableState): string {
  const order = readOrder(text, columns)
  // What the catalogue gave was a column a moment ago.
  if (order === null) throw new Error(`${text} is no order of these columns`)
  return `${quoteIdent(order.column)} ${order.desc ? 'desc' : 'asc'} nulls ${order.nullsFirst ? 'first' : 'last'}`
}

function chunkIntervalStep({key, to}: ChunkInterval, {server, state}: StepContext): Step {
  const length = state.scale === 'time' ? sql`${`${to} microseconds`}::interval` : sql`${String(to)}::bigint`
  const statement = sql`select ${timescaledbFunction(server, 'set_chunk_time_interval')}(${key}::regclass, ${length})`
  return policyStep(`chunk interval of ${key}`, key, [statement], {kind: 'settings', lock: 'ROW EXCLUSIVE'})
}

function compressionStep({key, after, job}: Compression, {server, table}: StepContext): Step {
  const {value, type} = age(after)
  const current = sql`select exists (
  select from timescaledb_information.jobs j
  where j.proc_name = 'policy_compression' and (j.config ->> 'hypertable_id')::int = ${table.id!} and j.scheduled
    and (j.config ->> 'compress_after')::${raw(type)} = ${value}::${raw(type)}
) as done`
  if (job === null) {
    const add = sql`select ${timescaledbFunction(server, 'add_compression_policy')}(${key}::regclass, compress_after => ${value}::${raw(type)})`
    return policyStep(`compression policy of ${key}`, key, [add], {doneCheck: current})
  }
  const config = sql`(j.config - 'compress_created_before') || jsonb_build_object('compress_after', ${ageJson(after)})`
  return policyStep(`compression policy of ${key}`, key, [alterJob(server, job, config)], {doneCheck: current})
}

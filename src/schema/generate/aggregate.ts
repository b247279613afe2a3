import {dollarQuoted, quoteLiteral} from '../../db/sql.js'
import {parseDuration} from '../../units/duration.js'
import {bucketColumn, type AggregateColumn, type AggregateDefinition, type TableDefinition} from '../definition.js'
import {name, names, qualified} from '../names.js'
import {readType, typeSql, type BaseType} from '../types.js'
import {interval, relation, type Sql} from './table.js'

/** The table that stores the rows of an emulated aggregate. */
export const dataTable = (aggregate: AggregateDefinition) => `${aggregate.name}_data`
export const windowFunction = (aggregate: AggregateDefinition) => `${aggregate.name}_window`

/** WITH NO DATA: an initial refresh cannot run in a transaction. */
export function createContinuousAggregate(aggregate: AggregateDefinition): Sql {
  const time = name(aggregate.time)
  const value = ({function: call, of}: AggregateColumn) => {
    if (call === 'first' || call === 'last') return `${call}(${name(of!)}, ${time})`
    return of === undefined ? 'count(*)' : `${call}(${name(of)})`
  }
  const bucket = `time_bucket(${interval(aggregate.bucket)}, ${time})`
  const select = selectBuckets(aggregate, bucket, value, aggregate.where === undefined ? [] : [aggregate.where])
  return (
    `create materialized view ${relation(aggregate)}\nwith (timescaledb.continuous, timescaledb.materialized_only ` +
    `= true) as\n${select}\nwith no data`
  )
}

/**
 * The same columns on engines without continuous aggregates: a table, a function that computes a window, and a view.
 */
export function createAggregateTable(
  aggregate: AggregateDefinition,
  source: TableDefinition,
  language: 'sql' | 'plpgsql',
): Sql[] {
  const data = qualified('qicore', dataTable(aggregate))
  const query = qualified('qicore', windowFunction(aggregate))
  const columns = aggregateColumns(aggregate, source)
  const unique = aggregate.groupBy.every((column) => !columnOf(source, column).nullable)
  // Primary key columns must not be null, but a group may be.
  const key = unique
    ? [
        `constraint ${name(`${dataTable(aggregate)}_pkey`)} primary key ` +
          `(${names([...aggregate.groupBy, bucketColumn])})`,
      ]
    : []
  const lines = [
    ...columns.map(({name: column, type, nullable}) => `${name(column)} ${type}${nullable ? '' : ' not null'}`),
    ...key,
  ]
  const time = name(aggregate.time)
  const value = ({function: call, of}: AggregateColumn) => {
    if (call === 'first') return `(array_agg(${name(of!)} order by ${time}))[1]`
    if (call === 'last') return `(array_agg(${name(of!)} order by ${time} desc))[1]`
    return of === undefined ? 'count(*)' : `${call}(${name(of)})`
  }
  const where = [
    `${time} >= window_start and ${time} < window_end`,
    ...(aggregate.where === undefined ? [] : [aggregate.where]),
  ]
  const select = selectBuckets(aggregate, bucketSql(aggregate), value, where, '  ')
  const known = [
    relation(aggregate),
    relation({schema: aggregate.source.schema, name: aggregate.source.table}),
    data,
    query,
  ]
  return [
    `create table ${data} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)`,
    `create index ${name(`${dataTable(aggregate)}_bucket_idx`)} on ${data} (${bucketColumn})`,
    `create function ${query}(window_start timestamptz, window_end timestamptz)\nreturns setof ${data}\nlanguage ` +
      `${language} stable\n` +
      functionBody(select, language),
    `create view ${relation(aggregate)} as\nselect ${names(columns.map((column) => column.name))}\nfrom ${data}`,
    'insert into qicore.aggregates (view, source, data, query, bucket)\nvalues ' +
      `(${known.map(quoteLiteral).join(', ')}, ${interval(aggregate.bucket)})`,
  ]
}

function functionBody(select: Sql, language: 'sql' | 'plpgsql'): Sql {
  if (language === 'sql') return `begin atomic\n${select};\nend`
  // As in a function in SQL, a name that is a column and a parameter is the column.
  return `as ${dollarQuoted(`#variable_conflict use_column\nbegin\n  return query\n${select};\nend`)}`
}

/** @param indent added to each line here and not later, because a name may contain a line break */
function selectBuckets(
  aggregate: AggregateDefinition,
  bucket: Sql,
  value: (column: AggregateColumn) => Sql,
  where: readonly Sql[],
  indent = '',
): Sql {
  const columns = [
    ...aggregate.groupBy.map(name),
    `${bucket} as ${bucketColumn}`,
    ...aggregate.columns.map((column) => `${value(column)} as ${name(column.name)}`),
  ]
  return [
    `select\n${columns.map((column) => `${indent}  ${column}`).join(',\n')}`,
    `from ${qualified(aggregate.source.schema, aggregate.source.table)}`,
    ...(where.length > 0
      ? [`where ${where.map((condition) => (where.length > 1 ? `(${condition})` : condition)).join(' and ')}`]
      : []),
    `group by ${[...aggregate.groupBy.map(name), bucket].join(', ')}`,
  ]
    .map((line) => `${indent}${line}`)
    .join('\n')
}

/** Equivalent to time_bucket in plain PostgreSQL: days and weeks aligned to a Monday, in UTC. */
function bucketSql({bucket, time}: AggregateDefinition): Sql {
  if (parseDuration(bucket).months > 0) return `date_trunc('month', ${name(time)}, 'UTC')`
  return `date_bin(${interval(bucket)}, ${name(time)}, timestamptz '2000-01-03 00:00:00+00')`
}

export interface ResultColumn {
  name: string
  type: string
  nullable: boolean
}

/** The columns of an aggregate, with the result types of its functions. */
export function aggregateColumns(aggregate: AggregateDefinition, source: TableDefinition): ResultColumn[] {
  return [
    ...aggregate.groupBy.map((column) => ({
      name: column,
      type: columnOf(source, column).type,
      nullable: columnOf(source, column).nullable ?? false,
    })),
    {name: bucketColumn, type: 'timestamptz', nullable: false},
    ...aggregate.columns.map((column) => ({
      name: column.name,
      type: resultType(column, source),
      nullable: column.function !== 'count',
    })),
  ]
}

function resultType({function: call, of}: AggregateColumn, source: TableDefinition): string {
  if (call === 'count') return 'bigint'
  const {base, array} = readType(columnOf(source, of!).type)!
  if (call === 'avg' || call === 'sum') return averages[base]?.[call] ?? base
  return typeSql({base, args: [], array})
}

const numeric = {avg: 'numeric', sum: 'numeric'}
const small = {avg: 'numeric', sum: 'bigint'}
const averages: Partial<Record<BaseType, {avg: string; sum: string}>> = {
  smallserial: small,
  serial: small,
  bigserial: numeric,
  smallint: small,
  integer: small,
  bigint: numeric,
  numeric,
  real: {avg: 'double precision', sum: 'real'},
  'double precision': {avg: 'double precision', sum: 'double precision'},
}

function columnOf(table: TableDefinition, column: string) {
  return table.columns.find((candidate) => candidate.name === column)!
}

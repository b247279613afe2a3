import {formatQualifiedName, shortName} from '../db/qualified-name.js'
import {countText, dash} from '../units/cell-text.js'
import type {ReportTable} from '../units/report-table.js'
import type {PartitionRow, SetReport} from './list.js'

export const setsTable: ReportTable<SetReport> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {
      id: 'table',
      heading: 'TABLE',
      type: 'name',
      value: (row) => row.table,
      text: ({schema, table, managed}) => `${shortName(schema, table)}${managed ? '' : ' *'}`,
      shrink: 16,
    },
    {id: 'managed', heading: 'MANAGED', type: 'flag', show: 'data', value: (row) => row.managed},
    {id: 'every', heading: 'EVERY', type: 'text', value: (row) => row.every, priority: 3},
    {id: 'partitions', heading: 'PARTS', type: 'count', value: (row) => row.partitions},
    {id: 'from', heading: 'FROM (UTC)', type: 'instant', value: (row) => row.from, priority: 2},
    {id: 'to', heading: 'TO', type: 'instant', value: (row) => row.to},
    {
      id: 'ahead',
      heading: 'AHEAD',
      type: 'count',
      value: ({ahead}) => ahead?.there ?? null,
      text: ({ahead}) => (ahead === null ? dash : `${ahead.there}/${ahead.wanted}`),
    },
    {id: 'ahead_wanted', heading: 'WANTED', type: 'count', show: 'data', value: ({ahead}) => ahead?.wanted ?? null},
    {
      id: 'days_left',
      heading: 'LEFT',
      type: 'count',
      value: (row) => row.daysLeft,
      text: ({daysLeft}) => (daysLeft === null ? dash : `${daysLeft} d`),
    },
    {
      id: 'estimated_rows',
      heading: '~ROWS',
      type: 'count',
      value: (row) => row.estimatedRows,
      text: (row) => countText(row.estimatedRows),
      priority: 1,
    },
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes},
    {id: 'column', heading: 'KEY', type: 'name', show: 'room', value: (row) => row.column, text: keyText, shrink: 10},
    {id: 'type', heading: 'TYPE', type: 'text', show: 'data', value: (row) => row.type},
    {id: 'timezone', heading: 'ZONE', type: 'text', show: 'room', value: (row) => row.timezone, priority: 3},
    {id: 'gaps', heading: 'GAPS', type: 'count', show: 'room', value: ({gaps}) => gaps.length, priority: 1},
    {
      id: 'default_rows',
      heading: 'IN DEFAULT',
      type: 'count',
      show: 'room',
      value: ({defaultPartition}) => defaultPartition?.rows ?? null,
      text: ({defaultPartition}) => (defaultPartition === null ? dash : countText(defaultPartition.rows)),
      priority: 1,
    },
    {
      id: 'managed_by',
      heading: 'RUN BY',
      type: 'text',
      show: 'room',
      value: (row) => row.managedBy,
      text: ({managedBy}) => managedBy ?? 'none',
      priority: 2,
    },
    {id: 'inserts_until', heading: 'INSERTS UNTIL', type: 'instant', show: 'data', value: (row) => row.insertsUntil},
    {id: 'default_from', heading: 'DEFAULT FROM', type: 'instant', show: 'data', value: (row) => row.defaultFrom},
    {
      id: 'findings',
      heading: 'FINDINGS',
      type: 'list',
      show: 'data',
      value: ({findings}) => findings.map(({kind}) => kind),
    },
  ],
  marked: ({managed, findings}) => managed && findings.length > 0,
}

/** A partition, or a gap between two, which only the table on a terminal shows. */
export type PartitionLine = PartitionRow & {gap?: true}

export const partitionsTable: ReportTable<PartitionLine> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {id: 'table', heading: 'TABLE', type: 'name', show: 'data', value: (row) => row.table},
    {id: 'partition_schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.partitionSchema},
    {
      id: 'partition',
      heading: 'PARTITION',
      type: 'name',
      value: (row) => row.partition,
      text: partitionName,
      shrink: 20,
    },
    {id: 'from', heading: 'FROM (UTC)', type: 'instant', value: (row) => row.from},
    {id: 'to', heading: 'TO', type: 'instant', value: (row) => row.to},
    {id: 'bound', heading: 'BOUND', type: 'text', show: 'data', value: (row) => row.bound},
    {
      id: 'estimated_rows',
      heading: '~ROWS',
      type: 'count',
      value: (row) => row.estimatedRows,
      text: (row) => countText(row.estimatedRows),
      priority: 1,
    },
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes},
    {id: 'is_default', heading: 'DEFAULT', type: 'flag', show: 'data', value: (row) => row.isDefault},
    {
      id: 'detach_pending',
      heading: 'NOTE',
      type: 'flag',
      align: 'left',
      hide: 'empty',
      value: (row) => row.detachPending,
      text: noteText,
      shrink: 8,
    },
  ],
  marked: ({gap, detachPending}) => gap === true || detachPending,
}

function partitionName({schema, partitionSchema, partition, gap}: PartitionLine): string {
  if (gap) return partition
  return partitionSchema === schema ? shortName('public', partition) : formatQualifiedName(partitionSchema, partition)
}

function noteText({gap, detachPending, from, to, bound}: PartitionLine): string {
  if (gap) return 'gap'
  if (detachPending) return 'pending detach'
  return from === null && to === null ? bound.replace('FOR VALUES ', '').toLowerCase() : ''
}

function keyText({column, type}: SetReport): string {
  if (column === null) return dash
  const short = {'timestamp with time zone': 'timestamptz', 'timestamp without time zone': 'timestamp'}
  return `${column} ${type === null ? '' : ((short as Record<string, string>)[type] ?? type)}`.trim()
}

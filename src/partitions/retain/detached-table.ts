import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import {countText} from '../../units/cell-text.js'
import type {ReportTable} from '../../units/report-table.js'
import type {DetachedRow} from './detached.js'

export const detachedTable: ReportTable<DetachedRow> = {
  columns: [
    {id: 'schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.schema},
    {
      id: 'table',
      heading: 'TABLE',
      type: 'name',
      value: (row) => row.table,
      text: ({schema, table}) => shortName(schema, table),
      shrink: 14,
      hide: 'same',
    },
    {id: 'partition_schema', heading: 'SCHEMA', type: 'name', show: 'data', value: (row) => row.partitionSchema},
    {
      id: 'partition',
      heading: 'PARTITION',
      type: 'name',
      value: (row) => row.partition,
      text: ({schema, partitionSchema, partition}) =>
        partitionSchema === schema ? shortName('public', partition) : formatQualifiedName(partitionSchema, partition),
      shrink: 20,
    },
    {id: 'from', heading: 'FROM (UTC)', type: 'instant', value: (row) => row.from, priority: 2},
    {id: 'to', heading: 'TO', type: 'instant', value: (row) => row.to},
    {id: 'detached_at', heading: 'DETACHED', type: 'age', value: (row) => row.detachedAt},
    {id: 'detached_by', heading: 'BY', type: 'name', show: 'room', value: (row) => row.detachedBy, priority: 5},
    {id: 'stage', heading: 'STAGE', type: 'text', value: (row) => row.stage},
    {id: 'total_bytes', heading: 'SIZE', type: 'bytes', value: (row) => row.totalBytes},
    {
      id: 'estimated_rows',
      heading: '~ROWS',
      type: 'count',
      value: (row) => row.estimatedRows,
      text: (row) => countText(row.estimatedRows),
      priority: 1,
    },
    {id: 'moved_to', heading: 'MOVED TO', type: 'name', hide: 'empty', value: (row) => row.movedTo, priority: 4},
    {
      id: 'exported_to',
      heading: 'EXPORTED TO',
      type: 'text',
      hide: 'empty',
      value: (row) => row.exportedTo,
      shrink: 16,
      keep: 'end',
      priority: 3,
    },
    {id: 'checksum', heading: 'CHECKSUM', type: 'text', show: 'data', value: (row) => row.checksum},
    {id: 'next', heading: 'NEXT', type: 'text', hide: 'empty', value: (row) => row.next},
    {id: 'next_at', heading: 'DUE', type: 'instant', hide: 'empty', value: (row) => row.nextAt},
    {id: 'why', heading: 'WHY', type: 'note', show: 'data', value: (row) => row.why},
  ],
  marked: ({stage, nextAt}, {at}) => stage === 'kept' || stage === 'dropping' || (nextAt !== null && nextAt <= at),
}

import {shortName} from '../db/qualified-name.js'
import {bytesOr, dash} from '../units/cell-text.js'
import type {ReportTable} from '../units/report-table.js'
import type {TableCompression} from './compression.js'
import {nameColumns} from './name-columns.js'

/** The total row has no name. */
const isTotal = ({table}: TableCompression) => table === ''
const listText = (row: TableCompression, list: readonly string[] | null) =>
  isTotal(row) ? '' : (list?.join(', ') ?? dash)

export const compressionTable: ReportTable<TableCompression> = {
  columns: [
    ...nameColumns<TableCompression>({
      shrink: 12,
      text: (row) => (isTotal(row) ? 'TOTAL' : shortName(row.schema, row.table)),
    }),
    {id: 'chunks', heading: 'CHUNKS', type: 'count', show: 'data', value: (row) => row.chunks},
    {id: 'compressed_chunks', heading: 'COMPR', type: 'count', show: 'data', value: (row) => row.compressedChunks},
    {id: 'due_chunks', heading: 'DUE', type: 'count', show: 'data', value: (row) => row.dueChunks},
    {
      id: 'not_done_chunks',
      heading: 'DONE/DUE',
      type: 'count',
      value: (row) => row.notDoneChunks,
      text: doneOfDue,
    },
    {id: 'late', heading: 'LATE', type: 'flag', show: 'data', value: (row) => row.late},
    {
      id: 'not_due_chunks',
      heading: 'NOT DUE',
      type: 'count',
      show: 'room',
      value: ({chunks, dueChunks}) => (dueChunks === null ? null : chunks - dueChunks),
      priority: 4,
    },
    {
      id: 'after',
      heading: 'AGE',
      type: 'text',
      align: 'right',
      show: 'room',
      value: (row) => row.after,
      text: (row) => (isTotal(row) ? '' : (row.after ?? dash)),
      priority: 1,
    },
    {id: 'before_bytes', heading: 'BEFORE', type: 'bytes', value: (row) => row.beforeBytes, priority: 2},
    {id: 'after_bytes', heading: 'AFTER', type: 'bytes', value: (row) => row.afterBytes, priority: 2},
    {id: 'ratio', heading: 'RATIO', type: 'ratio', value: (row) => row.ratio, priority: 3},
    {id: 'saved_percent', heading: 'SAVED', type: 'percent', value: (row) => row.savedPercent},
    {id: 'live_bytes', heading: 'LIVE NOW', type: 'bytes', value: (row) => row.liveBytes, priority: 1},
    {
      id: 'to_gain_bytes',
      heading: 'TO GAIN',
      type: 'bytes',
      value: (row) => row.toGainBytes,
      text: ({toGainBytes}) => bytesOr(toGainBytes === 0 ? null : toGainBytes),
    },
    {
      id: 'segment_by',
      heading: 'SEGMENT BY',
      type: 'list',
      show: 'room',
      value: (row) => row.segmentBy,
      text: (row) => listText(row, row.segmentBy),
      shrink: 12,
      priority: 2,
    },
    {
      id: 'order_by',
      heading: 'ORDER BY',
      type: 'list',
      show: 'room',
      value: (row) => row.orderBy,
      text: (row) => listText(row, row.orderBy),
      shrink: 12,
      priority: 2,
    },
    {
      id: 'old_settings_chunks',
      heading: 'OLD SETTINGS',
      type: 'count',
      show: 'room',
      value: (row) => row.oldSettingsChunks,
      priority: 3,
    },
  ],
  marked: ({late}) => late === true,
}

function doneOfDue({compressedChunks, dueChunks, notDoneChunks}: TableCompression): string {
  return dueChunks === null || notDoneChunks === null
    ? `${compressedChunks}/-`
    : `${dueChunks - notDoneChunks}/${dueChunks}`
}

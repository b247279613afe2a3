import type {ReportTable} from '../units/report-table.js'
import type {FileError} from './file.js'

export const fileErrorsTable: ReportTable<FileError> = {
  columns: [
    {id: 'line', heading: 'LINE', type: 'count', value: (row) => row.line},
    {id: 'path', heading: 'COLUMN', type: 'name', value: (row) => row.path, shrink: 8},
    {id: 'message', heading: 'PROBLEM', type: 'text', value: (row) => row.message, shrink: 20},
    {id: 'code', heading: 'CODE', type: 'text', show: 'data', value: (row) => row.code ?? null},
  ],
  marked: () => true,
}

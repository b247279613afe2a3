import type {FileError} from '../../validation/file.js'
import {renderTable, wrap, type Column, type TableStyle} from './table.js'

export interface Validation {
  table: string
  file: string
  valid: number
  invalid: number
  errors: readonly FileError[]
}

/** What is wrong, line by line, and the counts last. */
export function renderValidation({table, file, valid, invalid, errors}: Validation, style: TableStyle): string {
  const columns: Column<FileError>[] = [
    {head: 'LINE', cell: ({line}) => String(line), right: true},
    {head: 'COLUMN', cell: ({path}) => path ?? '-', shrink: 8},
    {head: 'PROBLEM', cell: ({message}) => message, shrink: 20},
  ]
  const told = new Set(errors.map(({line}) => line)).size
  const more = invalid - told
  return [
    ...(errors.length > 0 ? [renderTable(columns, errors, {style, mark: () => true})] : []),
    ...(more > 0
      ? [`${more} more invalid ${more === 1 ? 'row is' : 'rows are'} counted only; --limit shows more.`]
      : []),
    wrap(
      `${file}: ${valid + invalid} rows of ${table}, ${invalid === 0 ? 'all valid.' : `${valid} valid, ${invalid} invalid.`}`,
      style.width,
    ),
  ].join('\n')
}

import type {FileError} from '../../validation/file.js'
import {closingLine, type Around} from './shown.js'

export interface Validation {
  table: string
  file: string
  valid: number
  invalid: number
  errors: readonly FileError[]
}

/** The number of valid rows, and of invalid rows whose errors are not shown. */
export function aroundValidation({table, file, valid, invalid, errors}: Validation): Around<FileError> {
  const listed = new Set(errors.map(({line}) => line)).size
  const more = invalid - listed
  const counts = invalid === 0 ? 'all valid.' : `${valid} valid, ${invalid} invalid.`
  return {
    below: [
      ...(more > 0
        ? [closingLine([`${more} more invalid ${more === 1 ? 'row is' : 'rows are'} not shown; --limit shows more.`])]
        : []),
      closingLine([`${file}: ${valid + invalid} rows of ${table}, ${counts}`]),
    ],
  }
}

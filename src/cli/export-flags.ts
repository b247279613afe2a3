import {Flags} from '@oclif/core'
import {resolve} from 'node:path'
import type {ExportFormat, ExportSettings} from '../export/settings.js'

const formats: readonly ExportFormat[] = ['parquet', 'csv']

/** Flags of commands that export rows to files. */
export const exportFlags = {
  'export-to': Flags.string({
    summary: 'Directory, or s3://bucket/prefix, for the files; each is read back and compared with the table.',
    helpGroup: 'EXPORT',
    helpValue: '<directory|s3://…>',
  }),
  'export-format': Flags.option({options: formats})({
    summary: 'Format of the files; default: parquet.',
    helpGroup: 'EXPORT',
  }),
  'export-endpoint': Flags.string({
    summary: 'Address of an S3-compatible store that is not AWS. Keys are read from AWS_… variables.',
    helpGroup: 'EXPORT',
    helpValue: '<url>',
  }),
  'export-region': Flags.string({
    summary: 'Region of the bucket; default: AWS_REGION.',
    helpGroup: 'EXPORT',
    helpValue: '<name>',
  }),
}

interface ExportFlags {
  'export-to'?: string | undefined
  'export-format'?: ExportFormat | undefined
  'export-endpoint'?: string | undefined
  'export-region'?: string | undefined
}

/**
 * The settings of an export from flags; null if no place is given. A directory is relative to the
 * working directory.
 * @throws OpsError EXPORT_PLACE, NO_PLACE if another flag of the export is given without a place
 */
export async function givenExport(flags: ExportFlags): Promise<ExportSettings | null> {
  const {'export-to': to, 'export-format': format, 'export-endpoint': endpoint, 'export-region': region} = flags
  if (to === undefined) {
    if ((format ?? endpoint ?? region) === undefined) return null
    throw await noPlace()
  }
  const {requireEndpoint} = await import('../export/settings.js')
  if (endpoint !== undefined) requireEndpoint(endpoint)
  const place = to.startsWith('s3://') ? to : resolve(to)
  return {to: place, format: format ?? 'parquet', endpoint, region}
}

/** The same, where the command does nothing without a place. @throws OpsError NO_PLACE */
export async function requireExport(flags: ExportFlags): Promise<ExportSettings> {
  const settings = await givenExport(flags)
  if (settings === null) throw await noPlace()
  return settings
}

async function noPlace(): Promise<Error> {
  const {usageError} = await import('../errors.js')
  return usageError('NO_PLACE', 'The destination of the export is missing.', [
    'Give --export-to <directory|s3://bucket/prefix>.',
  ])
}

import type {ObjectStore} from '../db/database.js'
import {usageError} from '../errors.js'

/** Formats of the files, by the name that the configuration and the flags use. */
export const exportFormats = ['parquet', 'csv'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** Where rows are exported to, and how. Holds no password or key: those come from the environment (docs/export.md). */
export interface ExportSettings {
  /** An absolute directory, or s3://bucket/prefix. */
  to: string
  format: ExportFormat
  /** URL of an S3-compatible store; undefined: that of AWS. */
  endpoint?: string | undefined
  /** undefined: that of AWS's configuration. */
  region?: string | undefined
}

/**
 * The settings of an export in the row of a policy.
 * @throws TypeError if the row was edited by hand and they cannot be read
 */
export function parseExport(value: unknown): ExportSettings {
  const {to, format, endpoint, region} = (value ?? {}) as Record<string, unknown>
  const known = exportFormats.find((name) => name === format)
  if (typeof to !== 'string' || known === undefined) throw new TypeError('an export needs a destination and a format')
  return {
    to,
    format: known,
    ...(typeof endpoint === 'string' ? {endpoint} : {}),
    ...(typeof region === 'string' ? {region} : {}),
  }
}

/** The settings as JSON, for the row of a policy; what is not set is left out. */
export function exportJson({to, format, endpoint, region}: ExportSettings): Record<string, string> {
  return {to, format, ...(endpoint === undefined ? {} : {endpoint}), ...(region === undefined ? {} : {region})}
}

export function sameExport(some: ExportSettings | null, other: ExportSettings | null): boolean {
  const text = (settings: ExportSettings | null) => JSON.stringify(settings && exportJson(settings))
  return text(some) === text(other)
}

/** Where rows are exported to, in one sentence's words: `exported to /var/backups as parquet`. */
export function exportInWords({to, format}: ExportSettings): string {
  return `exported to ${to} as ${format}`
}

/** The same in a cell or a list: `parquet to /var/backups`. */
export function exportText({to, format}: ExportSettings): string {
  return `${format} to ${to}`
}

/**
 * Settings with the address and region of the target where they have none.
 * @throws OpsError EXPORT_PLACE if the endpoint is not a URL, or has a password
 */
export function withObjectStore(settings: ExportSettings, store: ObjectStore | undefined): ExportSettings {
  if (!settings.to.startsWith('s3://')) return {to: settings.to, format: settings.format}
  const endpoint = settings.endpoint ?? store?.endpoint
  const region = settings.region ?? store?.region
  if (endpoint !== undefined) requireEndpoint(endpoint)
  return {...settings, endpoint, region}
}

/** @throws OpsError EXPORT_PLACE if it is not a URL, or has a password */
export function requireEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  const known = url !== null && /^https?:$/.test(url.protocol)
  if (known && url.username === '' && url.password === '') return
  throw usageError('EXPORT_PLACE', 'The endpoint of the S3-compatible store is not a URL, or holds a password.', [
    'Write it as https://host:port. Put keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  ])
}

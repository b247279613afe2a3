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
 * Settings with what the environment adds: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and AWS_REGION, as for AWS's own tools.
 * @throws OpsError EXPORT_PLACE if the endpoint is not a URL, or has a password
 */
export function withEnvironment(settings: ExportSettings, env: NodeJS.ProcessEnv): ExportSettings {
  if (!settings.to.startsWith('s3://')) return {to: settings.to, format: settings.format}
  const endpoint = settings.endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const region = settings.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  if (endpoint !== undefined) requireEndpoint(endpoint)
  return {...settings, endpoint, region}
}

function requireEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  const known = url !== null && /^https?:$/.test(url.protocol)
  if (known && url.username === '' && url.password === '') return
  throw usageError('EXPORT_PLACE', 'The endpoint of the S3-compatible store is not a URL, or holds a password.', [
    'Write it as https://host:port. Keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  ])
}

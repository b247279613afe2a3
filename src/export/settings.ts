/** Formats of the files, by the name that the configuration and the flags use. */
export const exportFormats = ['parquet', 'csv'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** Where rows are exported to, and how. Holds no password or key: those come from the environment (docs/export.md). */
export interface ExportSettings {
  /** An absolute directory, or s3://bucket/prefix. */
  to: string
  format: ExportFormat
  /** URL of an S3-compatible store; undefined: that of AWS, or AWS_ENDPOINT_URL_S3. */
  endpoint?: string | undefined
  /** undefined: AWS_REGION, else us-east-1. */
  region?: string | undefined
}

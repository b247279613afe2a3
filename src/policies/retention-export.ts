import {parseExport, type ExportSettings} from '../export/settings.js'
import {stagesOf, type Stages} from '../partitions/retain/stages.js'
import type {LivePolicy} from '../catalog/live-policies.js'
import {readConfig} from './table-state.js'

/**
 * Whether a retention writes files, so that only this program can carry it out: TimescaleDB's scheduler and pg_cron
 * call routines in the database.
 */
export function exportsRows(rule: {stages?: Stages | null; exportTo?: ExportSettings | null} | null): boolean {
  return Boolean(rule?.exportTo ?? rule?.stages?.archive?.export)
}

/**
 * Where the row of a retention says that chunks are exported before their drop; null if nowhere, or if the row was
 * edited by hand and cannot be read: then its consent is void, and nothing is dropped.
 */
export function exportOf(config: Readonly<Record<string, unknown>>): ExportSettings | null {
  if (config.export === undefined) return null
  try {
    return parseExport(config.export)
  } catch {
    return null
  }
}

/** {@link exportsRows} of a live policy. An export that cannot be read is one as well. */
export function policyExportsRows({kind, job, config}: LivePolicy): boolean {
  if (kind !== 'retention' || job !== null) return false
  const row = readConfig(config)
  return row.export !== undefined || exportsRows({stages: stagesOf(row)})
}

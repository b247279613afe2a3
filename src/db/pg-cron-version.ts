import {anyVersion, intersect, type VersionRange} from '../units/version.js'

/** What SQL shows of the pg_cron that runs: its library has no function that returns its version. */
export interface PgCronEvidence {
  versionNum: number
  /** Names of its settings that this role sees; empty if it may see none, or if the library is not loaded. */
  settings: readonly string[]
  /** The version of the extension's files on the server, to which objects can be created or updated. */
  available: string | null
}

/** The first version with a setting, and the last one without it. */
const settings: readonly (readonly [name: string, first: string, last: string])[] = [
  ['cron.enable_superuser_jobs', '1.4.0', '1.3.1'],
  ['cron.timezone', '1.5.0', '1.4.2'],
  ['cron.launch_active_jobs', '1.6.0', '1.5.2'],
]

/** The first version that can be built for a major version of PostgreSQL. */
const builds: readonly (readonly [major: number, first: string])[] = [
  [15, '1.4.2'],
  [16, '1.5.2'],
  [17, '1.6.3'],
  [18, '1.6.6'],
]

/** The last version whose files install objects of a version. 1.6 is that of all later ones. */
const files: Readonly<Record<string, string | undefined>> = {'1.4': '1.4.1', '1.4-1': '1.4.2', '1.5': '1.6.0'}

/**
 * The versions that pg_cron may have on a server. Files that are newer than the library that the server has loaded say
 * only what it cannot be newer than. Evidence that contradicts the settings, as of a patched build, is left out.
 */
export function pgCronRange({versionNum, settings: seen, available}: PgCronEvidence): VersionRange {
  // All of these settings are visible to the same roles, so one of them shows that an absent one does not exist.
  const bySettings = seen.length === 0 ? [] : settings.map(([name, first, last]) => bySetting(seen, name, first, last))
  const first = builds.findLast(([major]) => versionNum >= major * 10_000)?.[1] ?? null
  const last = available === null ? null : (files[available] ?? null)
  return [...bySettings, {from: first, to: null}, {from: null, to: last}].reduce(
    (known, evidence) => intersect(known, evidence) ?? known,
    anyVersion,
  )
}

function bySetting(seen: readonly string[], name: string, first: string, last: string): VersionRange {
  return seen.includes(name) ? {from: first, to: null} : {from: null, to: last}
}

import type {LivePolicy} from '../catalog/live-policies.js'
import {has, type Table} from '../catalog/table.js'
import type {Server} from '../db/server.js'
import {can} from '../engines/index.js'
import {isMisread} from '../pg-cron/schedule-hazards.js'
import type {CronSchedules} from '../pg-cron/schedules.js'
import {certaintyOfHazard, versionsOf, type Hazard, type Touched} from '../run/hazards/hazard.js'
import {compareVersions, type Certainty} from '../units/version.js'

/** What decides whether a defect affects this database; doctor has read all of it already. */
export interface HazardFacts {
  server: Server
  tables: readonly Table[]
  policies: readonly LivePolicy[]
  /** Null if pg_cron does nothing for this database. */
  cron: CronSchedules | null
}

type Chunk = Table['chunks'][number]

const someChunk =
  (matches: (chunk: Chunk) => boolean) =>
  ({tables}: HazardFacts) =>
    tables.some(({chunks}) => chunks.some(matches))

const compressedChunks = someChunk(({status}) => has(status, 'compressed'))

/** Null if entries of pg_cron that this role does not see may match. */
const someEntry =
  (matches: (schedule: string, touches: Touched) => boolean) =>
  ({cron}: HazardFacts, touches: Touched): boolean | null => {
    if (cron === null) return false
    if (cron.schedules.some((schedule) => matches(schedule, touches))) return true
    return cron.complete ? false : null
  }

const misreadEntry = someEntry((schedule, touches) => isMisread(touches, schedule))
const anyEntry = someEntry(() => true)

/** Whether the database has what a hazard names; null if that is not known. */
const touchedBy: Readonly<Record<Touched, (facts: HazardFacts, touches: Touched) => boolean | null>> = {
  any_job: ({policies}) => policies.some(({job}) => job !== null),
  aggregates: ({tables}) => tables.some(({aggregate, id}) => aggregate !== null && id !== null),
  compressed_aggregates: ({tables}) => tables.some(({aggregate, compression}) => aggregate !== null && compression),
  compressed_chunks: compressedChunks,
  compressed_under_apache: (facts) => !can(facts.server.engine, 'compression') && compressedChunks(facts),
  cron_days: misreadEntry,
  cron_jobs: anyEntry,
  // Since PostgreSQL 15 DROP DATABASE waits until every process has closed the files of the database.
  cron_jobs_of_postgres_15: (facts, touches) => (facts.server.versionNum < 150_000 ? false : anyEntry(facts, touches)),
  cron_minutes: misreadEntry,
  cron_objects_before_1_5: ({server: {pgCron}}) => pgCron !== null && compareVersions(pgCron, '1.5') < 0,
  aggregates_over_aggregates: ({tables}) => tables.some(({aggregate}) => aggregate?.source?.aggregate != null),
  hypertables: ({tables}) => tables.some(({id}) => id !== null),
  partial_chunks: someChunk(({status}) => has(status, 'compressed') && has(status, 'partial')),
  // By hand, with `recompress: false` in its config.
  policies_without_recompress: ({policies}) =>
    policies.some(({kind, recompress, job}) => kind === 'compression' && !recompress && job !== null),
  refresh_jobs: ({policies}) => policies.some(({kind, job}) => kind === 'refresh' && job !== null),
  server: () => true,
  variable_buckets: ({tables}) => tables.some(({aggregate}) => aggregate?.variableBuckets === true),
  unordered_chunks: someChunk(({status}) => has(status, 'unordered')),
}

export interface MetHazard {
  hazard: Hazard
  /** Possible: the version of the product, or what the database has, is not known exactly. */
  certainty: Exclude<Certainty, 'excluded'>
}

/** The known defects that this database meets, of the versions that run or may run here. */
export function hazardsOf(hazards: readonly Hazard[], facts: HazardFacts): MetHazard[] {
  return hazards.flatMap((hazard) => {
    const versions = versionsOf(hazard.product, facts.server)
    const certainty = versions === null ? 'excluded' : certaintyOfHazard(hazard, versions)
    if (certainty === 'excluded') return []
    const touched = touchedBy[hazard.touches](facts, hazard.touches)
    if (touched === false) return []
    return [{hazard, certainty: touched === null ? ('possible' as const) : certainty}]
  })
}

import type {LivePolicy} from '../catalog/live-policies.js'
import {has, type Table} from '../catalog/table.js'
import type {Server} from '../db/server.js'
import {can} from '../engines/index.js'
import {isAffected, versionOf, type Hazard, type Touched} from '../run/hazards/hazard.js'

/** What tells whether a defect touches this database: nothing is asked for it that doctor has not read already. */
export interface HazardFacts {
  server: Server
  tables: readonly Table[]
  policies: readonly LivePolicy[]
}

type Chunk = Table['chunks'][number]

const someChunk =
  (matches: (chunk: Chunk) => boolean) =>
  ({tables}: HazardFacts) =>
    tables.some(({chunks}) => chunks.some(matches))

const compressedChunks = someChunk(({status}) => has(status, 'compressed'))

/** Whether the database has what a hazard names. */
const touchedBy: Readonly<Record<Touched, (facts: HazardFacts) => boolean>> = {
  any_job: ({policies}) => policies.some(({job}) => job !== null),
  aggregates: ({tables}) => tables.some(({aggregate, id}) => aggregate !== null && id !== null),
  compressed_aggregates: ({tables}) => tables.some(({aggregate, compression}) => aggregate !== null && compression),
  compressed_chunks: compressedChunks,
  compressed_under_apache: (facts) => !can(facts.server.engine, 'compression') && compressedChunks(facts),
  aggregates_over_aggregates: ({tables}) => tables.some(({aggregate}) => aggregate?.source?.aggregate != null),
  hypertables: ({tables}) => tables.some(({id}) => id !== null),
  partial_chunks: someChunk(({status}) => has(status, 'compressed') && has(status, 'partial')),
  // By hand, with `recompress: false` in its config.
  policies_without_recompress: ({policies}) =>
    policies.some(({kind, recompress, job}) => kind === 'compression' && !recompress && job !== null),
  refresh_jobs: ({policies}) => policies.some(({kind, job}) => kind === 'refresh' && job !== null),
  server: () => true,
  unordered_chunks: someChunk(({status}) => has(status, 'unordered')),
}

/** The known defects that this database has, of the versions that run here. */
export function hazardsOf(hazards: readonly Hazard[], facts: HazardFacts): Hazard[] {
  return hazards.filter((hazard) => {
    const version = versionOf(hazard.product, facts.server)
    return version !== null && isAffected(hazard, version) && touchedBy[hazard.touches](facts)
  })
}

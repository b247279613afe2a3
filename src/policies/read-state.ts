import {contradictionAdvice, timeUnitAdvice} from '../catalog/time-unit-advice.js'
import {readReadOnlyOwners} from '../catalog/read-only-owners.js'
import {batching} from '../db/batching.js'
import type {Database} from '../db/database.js'
import {can} from '../engines/index.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import type {Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {findByName, readQicoreRows} from '../catalog/read-emulated.js'
import type {TableClock} from '../catalog/table-clock.js'
import {parseIntervalText} from '../catalog/interval.js'
import {stagesOf} from '../partitions/retain/stages.js'
import {exportOf} from './retention-export.js'
import type {LivePolicy, RowOrder} from '../catalog/live-policies.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import {liveRule, readConfig, type Gate, type LiveRule, type TableState} from './table-state.js'

/** A job of TimescaleDB's scheduler that calls qicore.retain. */
export interface GatedJob {
  id: number
  object: string | null
  hash: string | null
  owner: string
  ownerCanLogin: boolean
  ownerReadsOnly: boolean
  scheduled: boolean
  schedule: Duration
  nextStart: Instant | null
  lastStartedAt: Instant | null
  lastStatus: string | null
  running: boolean
}

/** Facts about a table on which its policies depend. */
export interface TableFacts {
  owner: string
  ownerCanLogin: boolean
  isOwner: boolean
  ownsDatabase: boolean
  columns: readonly string[]
  /** Names of its indexes. */
  indexes: readonly string[]
  /** Tables that its foreign keys reference. */
  references: readonly string[]
  /** Foreign keys of other tables that reference it, as `key of schema.table`. */
  referencedBy: readonly string[]
}

/** Everything that a plan and its checks need. */
export interface PolicyState {
  snapshot: CatalogSnapshot
  facts: ReadonlyMap<Table, TableFacts>
  states: ReadonlyMap<Table, TableState>
  gatedJobs: readonly GatedJob[]
}

interface FactRow {
  relation: number
  owner: string
  owner_can_login: boolean
  is_owner: boolean
  owns_database: boolean
  columns: string[]
  indexes: string[]
  references: string[]
  referenced_by: string[]
}

interface GatedRow {
  id: number
  object: string | null
  hash: string | null
  owner: string
  owner_can_login: boolean
  scheduled: boolean
  schedule: string
  next_start: Instant | null
  last_started_at: Instant | null
  last_status: string | null
  running: boolean | null
}

/** Reads the state of the policies of a snapshot. */
export async function readPolicyState(db: Database, snapshot: CatalogSnapshot): Promise<PolicyState> {
  const batch = batching(db)
  const timescaledb = can(db.server.engine, 'hypertables')
  const [facts, intervals, gatedJobs, consentValid] = await Promise.all([
    readFacts(batch, snapshot.tables),
    timescaledb ? batch.query<{id: number; length: string | null}>(statement(loadSql('policies/chunk-intervals'))) : [],
    timescaledb ? readGatedJobs(batch) : [],
    readConsents(batch),
  ])
  const lengths = new Map(intervals.map(({id, length}) => [id, length === null ? null : BigInt(length)]))
  const states = new Map(
    snapshot.tables.map((table) => {
      const tablePolicies = snapshot.policies.filter((policy) => policy.table === table)
      const policies = tablePolicies.map((policy) => ruleOf(policy, snapshot.all, gatedJobs, consentValid))
      const orphans = gatedJobs.filter(({object}) => object !== null && findByName(snapshot.all, object) === table)
      if (orphans.length > 0 && !policies.some(({kind, by}) => kind === 'retention' && by === 'qicore'))
        policies.push(orphaned(orphans))
      return [
        table,
        stateOf(
          table,
          snapshot.clocks.get(table),
          facts.get(table),
          table.id === null ? null : (lengths.get(table.id) ?? null),
          {policies, rowOrder: tablePolicies.find((policy) => policy.rowOrder !== undefined)?.rowOrder ?? null},
        ),
      ]
    }),
  )
  return {snapshot, facts, states, gatedJobs}
}

/**
 * Whether a retention of qicore.policies is unchanged since it was confirmed; the object is a name quoted as in SQL.
 */
interface Consent {
  object: string
  consentValid: boolean
}

/** The consents of all retentions; empty without the schema qicore, or if this role may not read it. */
export async function readConsents(db: Database): Promise<Consent[]> {
  return db.server.hasQicoreSchema ? readQicoreRows<Consent>(db, 'policies/consent-valid') : []
}

function stateOf(
  table: Table,
  clock: TableClock | undefined,
  facts: TableFacts | undefined,
  chunkInterval: bigint | null,
  {policies, rowOrder}: {policies: readonly LiveRule[]; rowOrder: RowOrder | null},
): TableState {
  return {
    key: qualifiedName(table),
    kind: table.kind,
    native: table.id !== null,
    scale: table.time === 'integer' ? (clock?.unit ?? 'unknown') : 'time',
    contradiction: clock?.contradiction,
    timeUnitAdvice:
      clock?.contradiction === undefined ? timeUnitAdvice(table) : contradictionAdvice(table, clock.contradiction),
    columns: facts?.columns ?? [],
    indexes: facts?.indexes ?? [],
    timeColumn: table.timeColumn,
    chunkInterval,
    compression: table.compression ? {segmentBy: table.segmentBy, orderBy: table.orderBy} : rowOrder,
    policies,
  }
}

function ruleOf(
  policy: LivePolicy,
  tables: readonly Table[],
  jobs: readonly GatedJob[],
  consentValid: readonly Consent[],
): LiveRule {
  if (policy.job !== null || policy.kind !== 'retention') return liveRule(policy, null, null)
  const tableJobs = jobs.filter(({object}) => object !== null && findByName(tables, object) === policy.table)
  const config = readConfig(policy.config)
  const gate: Gate = {
    maxDropPerRun: typeof config.maxDropPerRun === 'number' ? config.maxDropPerRun : null,
    timeUnit: typeof config.timeUnit === 'string' ? config.timeUnit : null,
    stages: stagesOf(config),
    exportTo: exportOf(config),
    consentValid: consentValid.some(
      ({object, consentValid: yes}) => yes && findByName(tables, object) === policy.table,
    ),
    jobConsentMatches:
      tableJobs[0] === undefined || tableJobs[0].hash === (config.consent as {hash?: unknown} | undefined)?.hash,
    duplicateJobs: tableJobs.slice(1).map(({id}) => id),
  }
  return liveRule(
    {...policy, schedule: tableJobs[0]?.schedule ?? policy.schedule},
    gate,
    tableJobs[0] === undefined ? null : {id: tableJobs[0].id, scheduled: tableJobs[0].scheduled},
  )
}

/** The rule of jobs whose row in qicore.policies is gone: every run of them fails. */
function orphaned([first, ...more]: readonly GatedJob[]): LiveRule {
  return {
    kind: 'retention',
    by: 'qicore',
    job: {id: first!.id, scheduled: first!.scheduled},
    after: null,
    createdBefore: null,
    startOffset: null,
    endOffset: null,
    schedule: first!.schedule,
    gate: {
      maxDropPerRun: null,
      timeUnit: null,
      consentValid: false,
      jobConsentMatches: false,
      duplicateJobs: more.map(({id}) => id),
    },
  }
}

async function readFacts(db: Database, tables: readonly Table[]): Promise<Map<Table, TableFacts>> {
  const rows = await db.query<FactRow>(
    statement(loadSql('policies/tables'), [tables.map(({relation}) => relation), db.target.role ?? null]),
  )
  const byRelation = new Map(rows.map((row) => [row.relation, row]))
  return new Map(
    tables.flatMap((table) => {
      const row = byRelation.get(table.relation)
      if (row === undefined) return []
      const {
        owner,
        owner_can_login: ownerCanLogin,
        is_owner: isOwner,
        owns_database: ownsDatabase,
        columns,
        indexes,
        references,
        referenced_by: referencedBy,
      } = row
      return [
        [table, {owner, ownerCanLogin, isOwner, ownsDatabase, columns, indexes, references, referencedBy}] as const,
      ]
    }),
  )
}

async function readGatedJobs(db: Database): Promise<GatedJob[]> {
  const [rows, readOnlyOwners] = await Promise.all([
    db.query<GatedRow>(statement(loadSql('catalog/gated-jobs'))),
    readReadOnlyOwners(db),
  ])
  return rows.map((row) => ({
    id: row.id,
    object: row.object,
    hash: row.hash,
    owner: row.owner,
    ownerCanLogin: row.owner_can_login,
    ownerReadsOnly: readOnlyOwners.has(row.owner),
    scheduled: row.scheduled,
    schedule: parseIntervalText(row.schedule),
    nextStart: row.next_start,
    lastStartedAt: row.last_started_at,
    lastStatus: row.last_status,
    running: row.running ?? false,
  }))
}

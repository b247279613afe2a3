import {readSnapshot, type CatalogSnapshot, type SnapshotRequest} from '../catalog/snapshot.js'
import type {Table} from '../catalog/table.js'
import {batching} from '../db/batching.js'
import type {Database} from '../db/database.js'
import {loadSql} from '../db/load-sql.js'
import type {Server} from '../db/server.js'
import {ident, sql, statement, type Value} from '../db/sql.js'
import type {PartitionRule} from '../partitions/periods.js'
import type {Declared} from '../policies/declared/declared.js'
import type {CheckFinding} from '../policies/checks/finding.js'
import {readProofFacts} from '../policies/checks/read-facts.js'
import {runChecks} from '../policies/checks/run-checks.js'
import {readPolicyState, type PolicyState} from '../policies/read-state.js'
import {readPolicyStatus} from '../policies/status/status.js'
import type {PolicyStatusReport} from '../policies/status/types.js'
import {NotKnown} from './finding.js'

export interface DoctorRequest extends SnapshotRequest {
  declared: readonly Declared[]
  /** Partition sets that are declared; `withDefinitions` where the tables of QiCore were made here as such. */
  partitions?: (withDefinitions: boolean) => readonly PartitionRule[]
}

/** Reads a part of what the checks are made from; the function itself is the key under which the answer is kept. */
export type Reading<T> = (context: CheckContext) => Promise<T>

/**
 * What the checks are made from. Each part is read when the first check asks for it, and once. All checks run at the
 * same time on one {@link batching} database: what they ask in the same turn is one round trip.
 */
export interface CheckContext {
  server: Server
  request: DoctorRequest
  db: Database
  /** Rows of the statement sql/doctor/<name>.sql. */
  ask<Row extends object>(name: string, values?: readonly Value[]): Promise<Row[]>
  /** What several checks are made from: read for the first check that asks, once in a report. */
  once<T>(read: Reading<T>): Promise<T>
  /** The tables that doctor looks at, with their chunks, policies and clocks. */
  snapshot(): Promise<CatalogSnapshot>
  /** By the oid of a table's storage and of each of its chunks, compressed parts included: the table. */
  owners(): Promise<ReadonlyMap<number, Table>>
  policyState(): Promise<PolicyState>
  policyStatus(): Promise<PolicyStatusReport>
  /** How the policies that are live go together: the checks of a plan that changes nothing. */
  policyConflicts(): Promise<readonly CheckFinding[]>
  /** @throws NotKnown with the grant, unless this role may see what other roles do */
  needStatistics(what: string): void
}

export function checkContext(database: Database, request: DoctorRequest): CheckContext {
  const db = batching(database)
  const {server} = database
  const answers = new Map<Reading<unknown>, Promise<unknown>>()
  const once = <T>(read: Reading<T>): Promise<T> => {
    const answer = (answers.get(read) as Promise<T> | undefined) ?? read(context)
    answers.set(read, answer)
    return answer
  }
  const context: CheckContext = {
    server,
    request,
    db,
    ask: (name, values = []) => db.query(statement(loadSql(`doctor/${name}`), values)),
    once,
    snapshot: () => once(readTables),
    owners: () => once(readOwners),
    policyState: () => once(readPolicies),
    policyStatus: () => once(readStatus),
    policyConflicts: () => once(readConflicts),
    needStatistics(what) {
      if (server.readsAllStats) return
      throw new NotKnown(`The role ${server.role} may not see ${what}.`, {
        kind: 'sql',
        text: sql`grant pg_monitor to ${ident(server.role)}`.text,
      })
    },
  }
  return context
}

const readTables = ({db, request}: CheckContext) => readSnapshot(db, request)
const readPolicies = async ({db, snapshot}: CheckContext) => readPolicyState(db, await snapshot())
const readOwners = async ({snapshot}: CheckContext) => ownersOf((await snapshot()).tables)
const readStatus = async ({db, request, snapshot, policyState}: CheckContext) =>
  readPolicyStatus(db, {...request, snapshot: await snapshot(), state: await policyState()})
const readConflicts = async ({db, policyState}: CheckContext) =>
  runChecks(await readProofFacts(db, await policyState(), []))

function ownersOf(tables: readonly Table[]): ReadonlyMap<number, Table> {
  const owners = new Map<number, Table>()
  for (const table of tables) {
    owners.set(table.relation, table)
    for (const {relation, compressed} of table.chunks) {
      owners.set(relation, table)
      if (compressed !== null) owners.set(compressed, table)
    }
  }
  return owners
}

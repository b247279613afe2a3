/** Access to the tables of sql/migrations/core/0010_occurrences.sql. */
import type {Database, TransactionSettings} from '../../db/database.js'
import {preparedQicore} from '../../db/load-qicore-sql.js'
import type {Value} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'

/** The process that claims occurrences. */
export interface Identity {
  id: string
  host: string
  pid: number
  version: string
  actor: string
  targetHost: string
}

/** Statements on the ledger take milliseconds, so these timeouts mean that the server does not respond. */
export const ledgerWrite = (db: Database): TransactionSettings => ({
  readOnly: false,
  lockTimeout: 5_000,
  statementTimeout: 10_000,
  role: db.target.role,
})

/** Runs one statement of sql/jobs in a separate transaction. */
export const askLedger = <Row extends object>(db: Database, name: string, values: readonly Value[] = []) =>
  db.query<Row>(preparedQicore(db.server, `jobs/${name}`, values), ledgerWrite(db))

/** A nullable time of the ledger, in milliseconds since 1970. */
export const millisOf = (instant: Instant | null): number | null => (instant === null ? null : Date.parse(instant))

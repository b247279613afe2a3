/** How the tables of sql/migrations/core/0010_occurrences.sql are asked and changed. */
import type {Database, TransactionSettings} from '../../db/database.js'
import {prepared} from '../../db/load-sql.js'
import type {Value} from '../../db/sql.js'
import type {Instant} from '../../units/instant.js'

/** Who claims. */
export interface Identity {
  id: string
  host: string
  pid: number
  version: string
  actor: string
  targetHost: string
}

/** A question to the ledger takes milliseconds: where none is answered for so long, the server is given up. */
export const ledgerWrite = (db: Database): TransactionSettings => ({
  readOnly: false,
  lockTimeout: 5_000,
  statementTimeout: 10_000,
  role: db.target.role,
})

/** One statement of sql/jobs, in a transaction of its own. */
export const askLedger = <Row extends object>(db: Database, name: string, values: readonly Value[] = []) =>
  db.query<Row>(prepared(`jobs/${name}`, values), ledgerWrite(db))

/** A nullable time of the ledger, in milliseconds since 1970. */
export const millisOf = (instant: Instant | null): number | null => (instant === null ? null : Date.parse(instant))

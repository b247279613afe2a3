import type {Database} from '../../db/database.js'
import {pipelined} from '../../db/transaction.js'
import {askHeartbeat, type Heartbeat} from './daemons.js'
import {askJobs, type LedgerJob} from './ledger-jobs.js'
import {ledgerWrite, type Identity} from './ledger.js'

/**
 * Records the heartbeat and reads every job of the ledger, in one round trip: with 50 databases, an idle daemon spends
 * most of its time on round trips.
 */
export async function pollLedger(db: Database, me: Identity): Promise<{heartbeat: Heartbeat; jobs: LedgerJob[]}> {
  const [heartbeat, jobs] = await pipelined(db, ledgerWrite(db), (tx) => [
    askHeartbeat(tx, db.server, me),
    askJobs(tx, db.server),
  ])
  return {heartbeat, jobs}
}

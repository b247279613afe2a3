import {loadSql} from '../../db/load-sql.js'
import {statement, type Statement} from '../../db/sql.js'
import {closeLostRuns, readLostRuns} from '../../run/run-log.js'
import type {Step} from '../../run/step.js'
import {durationInWords, toInterval} from '../../units/duration.js'
import type {JobKind} from '../kind.js'
import {ledgerStep} from '../ledger-step.js'

const batch = 10_000
const mostBatches = 200

function step(id: string, what: Statement): Step {
  return ledgerStep('qicore.maintenance_log', {id, kind: 'prune'}, what)
}

/** Deletes old rows of the ledger; audits then start after the last deleted row. */
export const job: JobKind<'prune-history'> = {
  kind: 'prune-history',
  summary: 'Deletes old rows of the history.',
  async plan(db, options) {
    const keep = options.keep ?? {months: 0, days: 90, seconds: 0}
    const lost = db.server.hasQicoreSchema ? await readLostRuns(db) : []
    const [row] = db.server.hasQicoreSchema
      ? await db.query<{rows: number}>(statement(loadSql('jobs/prunable'), [toInterval(keep), lost]))
      : []
    const batches = Math.min(mostBatches, Math.ceil((row?.rows ?? 0) / batch))
    const steps = [
      ...(lost.length > 0 ? [step('close lost runs', closeLostRuns(lost))] : []),
      ...Array.from({length: batches}, (_, index) =>
        step(`prune ${index + 1} of ${batches}`, statement(loadSql('jobs/prune'), [toInterval(keep), batch])),
      ),
    ]
    const plan = {
      operation: 'prune history',
      summary: `delete rows of the history older than ${durationInWords(keep)}`,
      cutoff: null,
      tables: [],
      locks: [],
      steps,
    }
    return {plans: [plan], enforced: [], notes: [], problems: []}
  },
}

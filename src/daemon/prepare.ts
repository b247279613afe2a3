import {readMissingQicorePrivileges} from '../run/qicore-privileges.js'
import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {reportTarget} from '../config/target.js'
import {OpsError} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import {nothingDeclared} from '../jobs/nothing-declared.js'
import {execute} from '../run/execute.js'
import {installFailed, planInstall} from '../schema/migrate/run.js'
import {readQicoreSchema, schemaRemark} from '../schema/migrate/schema-state.js'
import type {Emit} from '../jobs/events.js'

/**
 * Installs or updates the qicore schema and checks the privileges of the daemon. If nothing is declared for the
 * database, it changes nothing.
 * @returns why the daemon only observes, or null
 * @throws OpsError NO_PRIVILEGE with every missing grant, CORE_FAILED
 */
export async function prepareDatabase(
  db: Database,
  context: Pick<JobContext, 'sections' | 'limits'>,
  jobs: readonly Job[],
  emit: Emit,
): Promise<string | null> {
  const {sections, limits} = context
  const nothing = await nothingDeclared(db, jobs, sections)
  if (nothing !== null) {
    const remark = schemaRemark(await readQicoreSchema(db))
    if (remark !== null) emit({event: 'warning', message: remark})
    return nothing
  }
  const plan = await planInstall(db)
  if (plan.note !== null) emit({event: 'warning', message: plan.note})
  if (plan.steps.length > 0) {
    const {steps} = await execute(db, plan, {limits, ledger: null})
    const failed = steps.find(({status}) => status === 'failed')
    if (failed) throw installFailed(failed)
    await db.probe()
    emit({event: 'qicore_schema_installed', steps: steps.map(({id}) => id)})
  }
  const missing = await readMissingQicorePrivileges(db, db.target.role ?? null)
  if (missing.length > 0)
    throw new OpsError(
      'NO_PRIVILEGE',
      `The role ${db.target.role ?? db.server.role} lacks privileges that a daemon needs: ` +
        `${missing.map((row) => row.missing).join('; ')}.`,
      {
        suggestions: ['sql/roles.sql grants it.'],
      },
    )
  return null
}

/** Reports the connection, and a role that has too many privileges. */
export function emitConnected(db: Database, emit: Emit): void {
  const {role, superuser, embedded, postgres, timescaledb, engine, pooled} = db.server
  emit({event: 'connected', database: reportTarget(db), role, engine, postgres, timescaledb, pooled})
  if (superuser && !embedded)
    emit({
      event: 'warning',
      message: `connected as the superuser ${role}: a daemon does not need one, see sql/roles.sql`,
    })
}

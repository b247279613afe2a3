import {hostname} from 'node:os'
import {withDatabase, type Target} from '../../db/database.js'
import {ExitCode, OpsError} from '../../errors.js'
import {defaultLimits} from '../../run/limits.js'
import {classOf} from '../../run/step.js'
import {planFor} from './request.js'
import {migrateUp} from './run.js'
import {command} from '../../units/command.js'

export interface MigrationsResult {
  /** Ids of the applied steps; empty if the database was up to date. */
  applied: string[]
}

export interface MigrationsOptions {
  /** Directory of the configuration; the user's migrations are in migrations/ beside it. */
  configDirectory?: string | undefined
  /** The last version to apply. */
  to?: string | undefined
}

/**
 * `migrate up` for programs. Calling it confirms changes that are hard to undo, but not loss of data.
 * @throws OpsError WOULD_LOSE for migrations that drop objects with rows; MIGRATION_FAILED; connection errors
 */
export async function migrateDatabase(
  target: Target,
  {configDirectory, to}: MigrationsOptions,
): Promise<MigrationsResult> {
  return withDatabase(target, {applicationName: 'qicore-db/library', create: true}, async (db) => {
    const {plan, request} = await planFor(db, {configDirectory, to})
    if (plan.steps.length > 0 && classOf(plan) === 'loss')
      throw new OpsError('WOULD_LOSE', 'A pending migration would lose data. Nothing was done.', {
        exit: ExitCode.refused,
        suggestions: [`Review and confirm it: ${command('migrate up')}`],
      })
    const owner = {actor: `${db.server.role} (library@${hostname()})`, targetHost: db.server.host ?? hostname()}
    const {steps} = await migrateUp(db, request, owner, {limits: defaultLimits})
    const failed = steps.find(({status}) => status === 'failed')
    if (failed) throw new OpsError('MIGRATION_FAILED', failed.error ?? `${failed.id} failed`)
    return {applied: steps.filter(({status}) => status === 'done').map(({id}) => id)}
  })
}

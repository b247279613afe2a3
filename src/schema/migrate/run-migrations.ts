import {hostname} from 'node:os'
import {withDatabase, type Target} from '../../db/database.js'
import {ExitCode, OpsError} from '../../errors.js'
import {defaultLimits} from '../../run/limits.js'
import {classOf} from '../../run/step.js'
import {planFor} from './request.js'
import {migrateUp} from './run.js'
import {command} from '../../units/command.js'

export interface MigrationsResult {
  /** The ids of what was applied now; nothing when the database was up to date. */
  applied: string[]
}

export interface MigrationsOptions {
  /** Where a configuration lies: a user's own migrations are in migrations/ beside it. */
  configDirectory?: string | undefined
  /** The last version to apply. */
  to?: string | undefined
}

/**
 * `migrate up` for a program. Calling it is the consent to what is only hard to undo.
 * @throws OpsError WOULD_LOSE for migrations that drop what holds rows; MIGRATION_FAILED; what connecting throws
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
        suggestions: [`Look at it and confirm it: ${command('migrate up')}`],
      })
    const owner = {actor: `${db.server.role} (library@${hostname()})`, targetHost: db.server.host ?? hostname()}
    const {steps} = await migrateUp(db, request, owner, {limits: defaultLimits})
    const failed = steps.find(({status}) => status === 'failed')
    if (failed) throw new OpsError('MIGRATION_FAILED', failed.error ?? `${failed.id} failed`)
    return {applied: steps.filter(({status}) => status === 'done').map(({id}) => id)}
  })
}

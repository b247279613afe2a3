import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import type {Plan} from './step.js'

/**
 * Refuses a plan with a statement that cannot run in a transaction block if there is only a connection through a
 * transaction pooler: another client could get that server session in between.
 * @throws OpsError POOLER, before anything is done
 */
export function refuseWithoutSession({server, target}: Pick<Database, 'server' | 'target'>, plan: Plan): void {
  if (!server.pooled || target.directUrl) return
  const step = plan.steps.find(({transaction}) => transaction === 'none')
  if (step === undefined) return
  throw usageError(
    'POOLER',
    `The step "${step.id}" needs its own session, but the connection uses a transaction pooler. Nothing was changed.`,
    ['Give the target a directUrl that bypasses the pooler, or connect to the server itself with --url.'],
  )
}

import {asSentence} from '../units/sentence.js'
import type {Config} from '../config/load.js'
import {partitionRules} from '../config/partitions.js'
import type {Job} from '../config/jobs.js'
import {checkedJobs} from '../jobs/run/check.js'
import {ledgerJobs} from '../jobs/store/job-list.js'
import type {Database} from '../db/database.js'
import {OpsError, usageError} from '../errors.js'
import type {JobContext} from '../jobs/kind.js'
import type {Limits} from '../run/limits.js'
import type {Plan} from '../run/step.js'
import {nothingDeclared} from '../jobs/nothing-declared.js'
import type {Instant} from '../units/instant.js'
import {mayLook, requireUsable, type CronDatabase} from './cron-database.js'
import {planInstall, planUninstall} from './plan.js'
import {readScheduled} from './scheduled.js'
import {wantedJobs, type LeftJob} from './wanted.js'
import {command} from '../units/command.js'

export interface CronRequest {
  config: Config | null
  limits: Limits
  /** The server's clock. */
  at: Instant
  actor: string
}

/** The declared jobs, and the context for planning them. */
export function jobsAndContext({config, limits, at}: Omit<CronRequest, 'actor'>): {
  jobs: Job[]
  context: Omit<JobContext, 'job' | 'leaveToCron'>
} {
  const sections = {tables: config?.tables ?? {}, aggregates: config?.aggregates ?? {}}
  return {
    jobs: checkedJobs(config, Date.parse(at)),
    context: {now: at, limits, sections, partitions: (withDefinitions) => partitionRules(config, withDefinitions)},
  }
}

/**
 * The plan of `cron install`.
 * @throws OpsError NOTHING_DECLARED, and the errors of {@link requireUsable}, {@link wantedJobs}, {@link planInstall}
 */
export async function installPlan(
  db: Database,
  home: CronDatabase,
  request: CronRequest,
): Promise<{plan: Plan; left: LeftJob[]; notes: string[]}> {
  requireUsable(home)
  const {jobs, context} = jobsAndContext(request)
  const nothing = await nothingDeclared(db, jobs, context.sections)
  if (nothing !== null)
    throw usageError('NOTHING_DECLARED', asSentence(nothing), [
      `Declare tables or jobs in qicore-db.config.yaml, or create the QiCore tables: ${command('migrate up')}`,
    ])
  const wanted = await wantedJobs(db, {jobs, dialect: home, context})
  const scheduled = await readScheduled(home, db.server.database)
  const plan = planInstall(db, {
    home,
    wanted: wanted.jobs,
    scheduled,
    known: await ledgerJobs(db),
    declared: jobs,
    actor: request.actor,
  })
  const notes = [
    ...(home.timezone === null
      ? [`pg_cron ${home.version} has a setting cron.timezone, which this role may not read: GMT is assumed.`]
      : []),
    ...wanted.notes,
    ...wanted.left.map(({job, reason, why}) =>
      reason === 'no_work' ? `${job} has nothing to do in pg_cron: ${why}` : `${job} stays with the daemon: ${why}`,
    ),
  ]
  return {plan, left: wanted.left, notes}
}

/** The plan of `cron uninstall`. @param home null if pg_cron is gone: then only the ledger is corrected */
export async function uninstallPlan(
  db: Database,
  home: CronDatabase | null,
  request: CronRequest,
): Promise<{plan: Plan; notes: string[]}> {
  const {jobs} = jobsAndContext(request)
  if (home !== null && !mayLook(home))
    throw new OpsError('NO_PRIVILEGE', `The role ${home.role} may not read pg_cron's jobs.`, {
      suggestions: [`As a superuser, in ${home.database}: grant usage on schema cron to "${home.role}"`],
    })
  const scheduled = home === null ? {ours: [], foreign: []} : await readScheduled(home, db.server.database)
  const plan = planUninstall(db, home, scheduled, await ledgerJobs(db), jobs, request.actor)
  const explicitCronJobs = jobs.filter(({runner}) => runner === 'pg_cron').map(({name}) => name)
  return {
    plan,
    notes:
      explicitCronJobs.length === 0
        ? []
        : [
            `The configuration still says "runner: pg_cron" for ${explicitCronJobs.join(', ')}: no daemon runs a ` +
              'job with that setting.',
          ],
  }
}

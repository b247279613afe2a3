import type {ReportHead} from '../../catalog/snapshot.js'
import type {Database} from '../../db/database.js'
import {usageError} from '../../errors.js'
import {command} from '../../units/command.js'
import type {JobExplanation} from './explanation.js'
import {explainCronEntry} from './why-cron-entry.js'
import {explainOwnJob, type JobWhyRequest} from './why-job.js'
import {explainTimescaledbJob} from './why-timescaledb-job.js'

export interface JobWhyReport extends ReportHead<'jobs.why'> {
  job: JobExplanation
}

/**
 * A job of this program, then a job of TimescaleDB by its id, then an entry of pg_cron.
 * @throws OpsError NO_SUCH_JOB
 */
export async function explainJob(db: Database, request: JobWhyRequest): Promise<JobWhyReport> {
  const job =
    (await explainOwnJob(db, request)) ??
    (await explainTimescaledbJob(db, request)) ??
    (await explainCronEntry(db, request))
  if (job !== null) return {kind: 'jobs.why', version: 1, target: null, at: request.at, job}
  throw usageError(
    'NO_SUCH_JOB',
    `There is no job ${request.name}: none is declared or in the ledger, TimescaleDB has none with that id, and ` +
      'pg_cron no entry of that name that this role may see.',
    [
      `Known jobs: ${request.jobs.map(({name}) => name).join(', ') || 'none'}.`,
      `Jobs of TimescaleDB by id: ${command('policies status', [], {all: true})}`,
    ],
  )
}

import {readActivity} from '../../activity/read-activity.js'
import type {Session} from '../../activity/sessions.js'
import type {Job} from '../../config/jobs.js'
import {batching} from '../../db/batching.js'
import type {Database} from '../../db/database.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {OpsError} from '../../errors.js'
import type {JobContext, JobWork} from '../../jobs/kind.js'
import {jobKind} from '../../jobs/registry.js'
import {readLastDaemon} from '../../jobs/store/daemons.js'
import {readHistory} from '../../jobs/store/history.js'
import {hasOccurrences, ledgerJobs, listJobs, type ListedJob} from '../../jobs/store/job-list.js'
import type {LedgerJob} from '../../jobs/store/ledger-jobs.js'
import {readCronStatus} from '../../pg-cron/status.js'
import type {Hazard} from '../../run/hazards/hazard.js'
import {notAccepted, unsafeSteps} from '../../run/hazards/refuse.js'
import {lastDueTime} from '../../schedule/due-times.js'
import {evaluateDue} from '../../schedule/due.js'
import {instantFromMillis, type Instant} from '../../units/instant.js'
import {likeliest, type JobExplanation} from './explanation.js'
import {jobCandidates, withDatabase} from './job-cause.js'
import {jobEvidence} from './job-evidence.js'
import type {JobFacts} from './job-facts.js'

export interface JobWhyRequest {
  /** Name of a job, id of a job of TimescaleDB, or name of an entry of pg_cron. */
  name: string
  /** The declared jobs, or the defaults. */
  jobs: readonly Job[]
  context: Omit<JobContext, 'job' | 'leaveToCron'>
  /** Of a session that looks at pg_cron in another database. */
  applicationName: string
  at: Instant
}

/** Runs and due times that are looked at. */
const recent = 5

/** A job that is declared, or that only the ledger knows; null where neither has one of that name. */
export async function explainOwnJob(database: Database, request: JobWhyRequest): Promise<JobExplanation | null> {
  const db = batching(database)
  const {name, jobs, at, context} = request
  const now = Date.parse(at)
  const job = jobs.find((each) => each.name === name) ?? null
  const known = (await ledgerJobs(db)).find((each) => each.name === name)
  if (job === null && (known === undefined || known.versions.at(-1)?.state === 'removed')) return null
  const recorded = await hasOccurrences(db)
  const [{jobs: listed, daemons}, occurrences, lastDaemon, activity] = await Promise.all([
    listJobs(db, job === null ? [] : [job], now),
    readHistory(db, {jobs: [name], since: null, statuses: null, limit: recent}),
    recorded ? readLastDaemon(db) : null,
    readActivity(db),
  ])
  const mine = listed.find((each) => each.name === name)!
  const work = job === null ? null : await plannedWork(db, job, mine, request)
  const facts: JobFacts = {
    at,
    listed: mine,
    job,
    lastDue: instantOf(lastDueTime(mine, now)),
    dueSince: job === null || known === undefined ? null : dueSince(job, known, now),
    occurrences,
    daemons,
    lastDaemon,
    cron: mine.runner === 'pg_cron' ? await cronFacts(db, request) : null,
    work,
    sessions: concerned(activity.sessions, work),
    hazards: await hazardsOf(db, work, context.limits.acceptedHazards),
    server: db.server,
  }
  const candidates = withDatabase(facts, jobCandidates(facts))
  return {
    name,
    runner: mine.runner,
    ok: candidates.length === 0,
    evidence: jobEvidence(facts),
    cause: likeliest(candidates),
  }
}

const instantOf = (at: number | null): Instant | null => (at === null ? null : instantFromMillis(at))

function dueSince(job: Job, state: LedgerJob, now: number): Instant | null {
  if (state.versions.at(-1)!.runner !== 'daemon') return null
  return instantOf(evaluateDue(job, state, now).waitingSince)
}

/** What a run would do now, as the daemon plans it. A plan that cannot be made is an answer too. */
async function plannedWork(
  db: Database,
  job: Job,
  {runner}: ListedJob,
  {context}: JobWhyRequest,
): Promise<JobWork | OpsError> {
  try {
    const kind = await jobKind(job.kind)
    return await kind.plan(db, job.options, {...context, job: job.name, leaveToCron: runner !== 'daemon'})
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
}

/** The known defects for which steps of that work are refused. */
async function hazardsOf(
  db: Database,
  work: JobWork | OpsError | null,
  accepted: readonly string[],
): Promise<readonly Hazard[]> {
  if (work === null || work instanceof OpsError) return []
  const steps = work.plans.flatMap((plan) => plan.steps)
  return [...new Set(notAccepted(await unsafeSteps(db, {steps}), accepted).map(({hazard}) => hazard))]
}

/** The sessions at the tables of a plan. */
function concerned(sessions: readonly Session[], work: JobWork | OpsError | null): Session[] {
  if (work === null || work instanceof OpsError) return []
  const names = new Set(
    work.plans.flatMap(({tables, steps}) => [...tables, ...steps.flatMap(({relations}) => relations)]),
  )
  return sessions.filter(({tables}) => tables.some(({schema, table}) => names.has(formatQualifiedName(schema, table))))
}

async function cronFacts(db: Database, {name, jobs, context, applicationName}: JobWhyRequest) {
  const {scheduler, jobs: entries, notes} = await readCronStatus(db, {jobs, context, applicationName})
  return {scheduler, entries: entries.filter(({job}) => job === name), notes}
}

import {readActivity} from '../../activity/read-activity.js'
import {readReadOnlyOwners} from '../../catalog/read-only-owners.js'
import type {Session} from '../../activity/sessions.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {timescaledbFunction, type Server} from '../../db/server.js'
import {inline, sql, statement} from '../../db/sql.js'
import {can} from '../../engines/index.js'
import {alterJobSql} from '../../policies/plan/job-sql.js'
import {writable} from '../../policies/status/policy-problems.js'
import {failedAfterCommit, jobErrorText} from '../../policies/status/job-error.js'
import {readDeclared} from '../../policies/declared/read-declared.js'
import {readPolicyStatus} from '../../policies/status/status.js'
import {formatAge} from '../../units/elapsed.js'
import {secondsBetween, type Instant} from '../../units/instant.js'
import type {Fix} from '../finding.js'
import {sqlFix} from '../shared.js'
import {databaseCandidates, databaseEvidence} from './database.js'
import {likeliest, type Candidate, type Evidence, type JobExplanation} from './explanation.js'
import {lockCause, lockEvidence} from './sessions.js'
import {agoText, nextRunText, overdueSeconds} from './times.js'
import type {JobWhyRequest} from './why-job.js'
import {explainStatuses} from './why-policy.js'

/** The row of sql/doctor/timescaledb-job.sql. */
interface JobRow {
  id: number
  name: string
  proc: string
  /** Quoted as in SQL. */
  owner: string
  owner_can_login: boolean
  procedure_gone: boolean
  scheduled: boolean
  every: string
  max_runtime: string
  max_retries: number
  retry_period: string
  next_start: Instant | null
  last_started_at: Instant | null
  last_status: string | null
  running: boolean | null
  failures: number | null
  crashes: number | null
  error_at: Instant | null
  error_state: string | null
  error: string | null
}

interface Facts {
  row: JobRow
  ownerReadsOnly: boolean
  at: Instant
  /** Sessions of the job itself, and those that wait for it or that it waits for. */
  sessions: readonly Session[]
  server: Server
}

/**
 * A job of TimescaleDB's scheduler; null where there is none of that id. One that carries out a policy is explained as
 * that policy.
 */
export async function explainTimescaledbJob(db: Database, request: JobWhyRequest): Promise<JobExplanation | null> {
  if (!can(db.server.engine, 'hypertables') || !/^\d{1,9}$/.test(request.name)) return null
  const id = Number(request.name)
  const [row] = await db.query<JobRow>(statement(loadSql('doctor/timescaledb-job'), [id]))
  if (row === undefined) return null
  const name = `${id} (${row.proc})`
  const policy = await explainAsPolicy(db, id, request)
  if (policy !== null) return {name, runner: 'timescaledb', ...policy}
  const [{sessions}, readOnlyOwners] = await Promise.all([readActivity(db), readReadOnlyOwners(db)])
  const facts = {
    row,
    ownerReadsOnly: readOnlyOwners.has(row.owner),
    at: request.at,
    sessions: around(sessions, id),
    server: db.server,
  }
  const own = candidatesOf(facts)
  const all = own.length === 0 ? [] : [...databaseCandidates(db.server), ...own]
  return {
    name,
    runner: 'timescaledb',
    ok: all.length === 0,
    evidence: [...evidenceOf(facts), ...databaseEvidence(db.server), ...lockEvidence(facts.sessions)],
    cause: likeliest(all),
  }
}

async function explainAsPolicy(db: Database, id: number, {context: {sections, limits}}: JobWhyRequest) {
  const {policies, at} = await readPolicyStatus(db, {
    declared: await readDeclared(db, sections),
    lateAfter: limits.lateAfter,
  })
  const status = policies.find(({jobId}) => jobId === id)
  if (status === undefined) return null
  const [{ok, evidence, cause}] = (await explainStatuses(db, [status], at)) as [
    Awaited<ReturnType<typeof explainStatuses>>[number],
  ]
  return {ok, evidence, cause}
}

function around(sessions: readonly Session[], id: number): Session[] {
  const own = sessions.filter(({jobId}) => jobId === id)
  const pids = new Set(own.flatMap(({pid, blockedBy}) => [pid, ...blockedBy]))
  return sessions.filter(({pid, blockedBy}) => pids.has(pid) || blockedBy.some((each) => pids.has(each)))
}

function candidatesOf(facts: Facts): Candidate[] {
  const {row, server} = facts
  const {id, proc, owner} = row
  const found: Candidate[] = []
  if (row.procedure_gone)
    found.push({
      depth: 'cannot_run',
      code: 'procedure_gone',
      message: `Its procedure ${proc} no longer exists, so every run fails.`,
      fix: sqlFix(inline(sql`select ${timescaledbFunction(server, 'delete_job')}(${id})`)),
    })
  if (!row.owner_can_login)
    found.push({
      depth: 'incomplete',
      code: 'owner_cannot_login',
      message: `It runs as ${owner}, who may not log in, so every run fails.`,
      fix: sqlFix(`alter role ${owner} login`),
    })
  if (facts.ownerReadsOnly)
    found.push({
      depth: 'incomplete',
      code: 'owner_reads_only',
      message: `It runs as ${owner}, whose transactions are read only here (default_transaction_read_only).`,
      fix: sqlFix(writable(owner, server)),
    })
  if (!row.scheduled) found.push(pausedCandidate(facts))
  else if (server.workers === 'dead')
    found.push({
      depth: 'no_runner',
      code: 'runner_not_running',
      message: "TimescaleDB's background workers are not running in this database.",
      fix: startFix(server, id),
    })
  return [...found, ...runCandidates(facts)]
}

/** The embedded engine has no workers: there a session runs the job. */
function startFix(server: Server, id: number): Fix {
  return sqlFix(
    server.embedded
      ? inline(sql`call ${timescaledbFunction(server, 'run_job')}(${id})`)
      : 'select _timescaledb_functions.start_background_workers()',
  )
}

function pausedCandidate({row, server}: Facts): Candidate {
  const failures = (row.failures ?? 0) + (row.crashes ?? 0)
  const stopped = row.max_retries >= 0 && failures > row.max_retries
  const error = row.error === null ? '' : ` The last error: ${errorText(row)}.`
  return {
    depth: 'held_back',
    code: stopped ? 'paused_after_failures' : 'paused',
    message: stopped
      ? `TimescaleDB paused it after ${failures} failed runs.${error}`
      : 'It is paused: its column scheduled is false.',
    fix: sqlFix(alterJobSql(server, row.id)),
  }
}

function errorText({error, error_state: state}: JobRow): string {
  return jobErrorText({message: error ?? '', state})
}

function runCandidates({row, at, sessions, server}: Facts): Candidate[] {
  const {id, scheduled, next_start: next, running} = row
  const runNow = sqlFix(
    inline(sql`select ${timescaledbFunction(server, 'alter_job')}(${id}, scheduled => true, next_start => now())`),
  )
  if (running === true) {
    const blocked = lockCause(sessions, null)
    return blocked === null ? [] : [{depth: 'ran', ...blocked}]
  }
  const found: Candidate[] = []
  const failed = (row.failures ?? 0) + (row.crashes ?? 0) > 0 || row.last_status === 'Failed'
  if (failed) {
    const words =
      row.error === null ? `this role may not see the error; ${row.owner} may` : `the last error: ${errorText(row)}`
    // Another run would end in the same way, and no work is missing.
    const committed = failedAfterCommit({state: row.error_state, message: row.error})
    found.push({
      depth: committed ? 'not_visible' : 'ran',
      ...(lockCause(sessions, row.error_state) ?? {
        code: 'last_error',
        message: `Its last run failed; ${words}.`,
        fix: committed ? null : runNow,
      }),
    })
  }
  if (scheduled && next !== null && secondsBetween(next, at) > overdueSeconds)
    found.push({
      depth: 'not_done',
      code: 'run_overdue',
      message:
        `Its next run should have begun ${formatAge(secondsBetween(next, at))} ago: the scheduler has no free ` +
        'worker for it.',
      fix: runNow,
    })
  return found
}

function evidenceOf({row, at, server}: Facts): Evidence[] {
  const alive = {alive: 'running', dead: 'not running', unknown: 'not known to be running'}[server.workers]
  const last =
    row.last_started_at === null
      ? 'It has never run'
      : `The last run started ${agoText(row.last_started_at, at)} and says ${row.last_status ?? 'nothing'}`
  return [
    {topic: 'schedule', message: `"${row.name}" every ${row.every}${row.scheduled ? '' : ', paused'}.`},
    {topic: 'runner', message: `Run by TimescaleDB's workers, which are ${alive}, as ${row.owner}.`},
    {topic: 'work', message: `Calls ${row.proc}${row.procedure_gone ? ', which no longer exists' : ''}.`},
    {topic: 'run', message: `${last}; ${nextRunText(row.next_start, at)}.`},
    ...(row.error === null
      ? []
      : [
          {
            topic: 'error' as const,
            message: `The last error${row.error_at === null ? '' : `, ${agoText(row.error_at, at)}`}: ${errorText(row)}.`,
          },
        ]),
    {
      topic: 'settings',
      message:
        `${row.max_retries < 0 ? 'Retried without limit' : `${row.max_retries} retries`}, every ` +
        `${row.retry_period}; runtime ` +
        `${row.max_runtime === '00:00:00' ? 'without limit' : `up to ${row.max_runtime}`}.`,
    },
  ]
}

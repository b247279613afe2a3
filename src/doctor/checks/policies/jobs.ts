import {can} from '../../../engines/index.js'
import {timescaledbFunction, type Server} from '../../../db/server.js'
import {inline, sql} from '../../../db/sql.js'
import {retryable} from '../../../db/sqlstate.js'
import {command} from '../../../units/command.js'
import type {Instant} from '../../../units/instant.js'
import {failedAfterCommit} from '../../../policies/status/job-error.js'
import type {Check} from '../../check.js'
import type {CheckContext} from '../../context.js'
import type {Finding} from '../../finding.js'
import {advice} from '../../shared.js'

export interface FailureRow {
  id: number
  proc: string
  owner: string
  scheduled: boolean
  max_retries: number
  hypertable_id: string | null
  failures: number
  crashes: number
  at: Instant | null
  state: string | null
  message: string | null
}

/**
 * From this many failed runs in a row a job does not work. One or two may be a lock that was held or a server that was
 * restarted: TimescaleDB runs the job again by itself.
 */
const criticalFailures = 3

async function failures(context: CheckContext): Promise<Finding[]> {
  const [rows, {all}] = await Promise.all([context.ask<FailureRow>('job-failures'), context.snapshot()])
  const byId = new Map(all.map((table) => [String(table.id), table]))
  const committed = rows.filter((row) => failedAfterCommit(row) && !isStopped(row))
  const failed = rows.filter((row) => !committed.includes(row))
  return [
    ...failed.map((row) => {
      const table = row.hypertable_id === null ? undefined : byId.get(row.hypertable_id)
      return failureFinding(row, context.server, table === undefined ? null : {schema: table.schema, table: table.name})
    }),
    ...committedFindings(committed, context.server),
  ]
}

/** One finding for all jobs whose work is done: the server fails each of them in the same way. */
export function committedFindings(rows: readonly FailureRow[], {postgres, timescaledb}: Server): Finding[] {
  const [first] = rows
  if (first === undefined) return []
  const subject = rows.length === 1 ? `Job ${first.id} (${first.proc}) counts` : `${rows.length} jobs count`
  return [
    {
      severity: 'warning',
      object: null,
      message:
        `${subject} as failed, although the work of ${rows.length === 1 ? 'its' : 'their'} last runs was committed: ` +
        `${first.message} [${first.state}]. PostgreSQL ${postgres} refuses to drop the portal of TimescaleDB ` +
        `${timescaledb}'s worker, which does so after its COMMIT.`,
      data: {jobIds: rows.map(({id}) => id), state: first.state},
      fix: advice(
        'No version of TimescaleDB is known that does not. Until then each job runs again after its retry_period, not ' +
          `its schedule_interval. What was done and what was not: ${command('policies status')}`,
      ),
    },
  ]
}

const isStopped = ({scheduled, max_retries: maxRetries, failures: failed, crashes}: FailureRow) =>
  !scheduled && maxRetries >= 0 && failed + crashes > maxRetries

/** What is said of one job whose last runs failed. Exported for tests of rows that no test can wait for. */
export function failureFinding(row: FailureRow, server: Server, object: Finding['object']): Finding {
  const {id, proc, scheduled, max_retries: maxRetries} = row
  const count = row.failures + row.crashes
  const stopped = isStopped(row)
  const error =
    row.message === null
      ? `this role may not see its errors: only ${row.owner} and the owner of the database do`
      : `the last error: ${row.message}${row.state === null ? '' : ` [${row.state}]`}`
  const now = inline(
    sql`select ${timescaledbFunction(server, 'alter_job')}(${id}, scheduled => true, next_start => now())`,
  )
  return {
    severity: stopped || count >= criticalFailures ? 'critical' : 'warning',
    object,
    message:
      `Job ${id} (${proc}) failed ` +
      `${count === 1 ? 'at its last run' : `at its last ${count} runs`}${stopped ? `, and TimescaleDB paused it after ${maxRetries + 1}` : ''}; ` +
      `${error}.`,
    data: {
      jobId: id,
      proc,
      failures: row.failures,
      crashes: row.crashes,
      paused: !scheduled,
      at: row.at,
      state: row.state,
    },
    fix: {kind: 'advice', text: `${cause(row.state)} Then run it now: ${now}`},
  }
}

/** What to do about a kind of error, by its SQLSTATE. */
function cause(state: string | null): string {
  if (state === null) return 'Find the error in the log of the server.'
  if (retryable.has(state)) return 'Another session was in the way: find what holds its locks at that time of day.'
  if (state.startsWith('28')) return 'Give the owner of the job LOGIN, or the job another owner.'
  if (state === '42501') return 'Grant the owner of the job what it may not do.'
  if (state.startsWith('53')) return 'The server was out of disk, memory, locks or connections: raise that limit.'
  if (state === '42883' || state === '42P01') return 'Make again what its procedure calls, or delete the job.'
  return 'Remove the cause of the error.'
}

export const jobChecks: readonly Check[] = [
  {
    id: 'policies.job_failures',
    about: 'database',
    passes: 'The last run of every job succeeded.',
    problem: 'jobs whose last runs failed',
    applies: ({engine}) => can(engine, 'hypertables'),
    run: failures,
  },
  {
    id: 'policies.job_procedure_gone',
    about: 'database',
    passes: 'Every job has its procedure.',
    problem: 'jobs whose procedure no longer exists',
    applies: ({engine}) => can(engine, 'hypertables'),
    run: async ({policyStatus, server}) => {
      const {other} = await policyStatus()
      return other
        .filter(({procedureGone}) => procedureGone)
        .map(
          ({id, proc, schedule}): Finding => ({
            severity: 'critical',
            object: null,
            message: `Job ${id} calls ${proc}, which no longer exists: every run fails, every ${schedule}.`,
            data: {jobId: id, proc, schedule},
            fix: {kind: 'sql', text: inline(sql`select ${timescaledbFunction(server, 'delete_job')}(${id})`)},
          }),
        )
    },
  },
]

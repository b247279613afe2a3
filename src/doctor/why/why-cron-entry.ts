import type {Database} from '../../db/database.js'
import {literal, sql} from '../../db/sql.js'
import type {Alive} from '../../db/server.js'
import {stateInWords} from '../../pg-cron/findings.js'
import {entryFix} from '../../pg-cron/scheduler.js'
import {readCronStatus} from '../../pg-cron/status.js'
import type {Instant} from '../../units/instant.js'
import {commandFix, sqlFix} from '../shared.js'
import {asSentence} from '../../units/sentence.js'
import {schedulerCandidate} from './cron-scheduler.js'
import {likeliest, type Candidate, type Evidence, type JobExplanation} from './explanation.js'
import {agoText} from './times.js'
import type {JobWhyRequest} from './why-job.js'

/** An entry of pg_cron, of this program or of another. */
interface Entry {
  name: string
  jobId: number | null
  schedule: string
  command: string
  username: string | null
  active: boolean | null
  lastStatus: string | null
  lastStartedAt: Instant | null
  message: string | null
  /** Null for one that this program did not make. */
  state: string | null
}

/** An entry of pg_cron in this database, by name or id; null where there is none, or where this role may not look. */
export async function explainCronEntry(db: Database, request: JobWhyRequest): Promise<JobExplanation | null> {
  const {name, jobs, context, applicationName, at} = request
  if (db.server.pgCron === null && db.server.pgCronDatabase === null) return null
  const {scheduler, jobs: ours, foreign} = await readCronStatus(db, {jobs, context, applicationName})
  const entries: Entry[] = [
    ...ours.map(({state, ...entry}) => ({...entry, state: stateInWords[state] ?? null})),
    ...foreign.map((entry) => ({...entry, name: entry.name ?? String(entry.jobId), message: null, state: null})),
  ]
  const entry = entries.find((each) => each.name === name) ?? entries.find(({jobId}) => String(jobId) === name)
  if (entry === undefined) return null
  const cause = likeliest(candidatesOf(entry, scheduler))
  return {
    name: entry.name,
    runner: 'pg_cron',
    ok: cause === null && scheduler === 'unknown' ? null : cause === null,
    evidence: evidenceOf(entry, scheduler, at),
    cause,
  }
}

function candidatesOf({jobId, active, state, lastStatus, message}: Entry, scheduler: Alive): Candidate[] {
  const found: Candidate[] = []
  if (state !== null)
    found.push({
      depth: 'incomplete',
      code: 'pg_cron_entry',
      message: asSentence(state),
      fix: commandFix(entryFix()),
    })
  if (active === false)
    found.push({
      depth: 'held_back',
      code: 'inactive',
      message: 'It is switched off in pg_cron: its column active is false.',
      fix: sqlFix(sql`select cron.alter_job(job_id := ${literal(String(jobId))}, active := true)`.text),
    })
  if (scheduler === 'dead') found.push(schedulerCandidate)
  if (lastStatus === 'failed')
    found.push({
      depth: 'ran',
      code: 'last_error',
      message: message === null ? 'Its last run failed.' : asSentence(`its last run failed: ${message}`),
      fix: sqlFix(
        sql`select start_time, status, return_message from cron.job_run_details where jobid = ${literal(String(jobId))} order by runid desc limit 5`
          .text,
      ),
    })
  return found
}

function evidenceOf(entry: Entry, scheduler: Alive, at: Instant): Evidence[] {
  const {schedule, username, active, lastStartedAt, lastStatus} = entry
  const alive = {alive: 'running', dead: 'not running', unknown: 'not known to run'}[scheduler]
  const last =
    lastStartedAt === null
      ? 'No run is recorded.'
      : `The last run started ${agoText(lastStartedAt, at)} and says ${lastStatus ?? 'nothing'}.`
  return [
    {topic: 'schedule', message: `"${schedule}"${active === false ? ', switched off' : ''}.`},
    {topic: 'runner', message: `Run by pg_cron, whose scheduler is ${alive}, as ${username ?? 'an unknown role'}.`},
    {topic: 'work', message: `Runs: ${entry.command.replace(/\s+/g, ' ').trim()}`},
    {topic: 'run', message: last},
  ]
}

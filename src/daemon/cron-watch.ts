import type {Job} from '../config/jobs.js'
import type {Database} from '../db/database.js'
import {loadQicoreSql} from '../db/load-qicore-sql.js'
import {statement} from '../db/sql.js'
import {leftToPgCron} from '../schedule/due.js'
import type {Instant} from '../units/instant.js'
import type {RegistryEntry} from './job-registry.js'
import {cronMinute, deadScheduler, entryFix} from '../pg-cron/scheduler.js'

const notReclaimed = 'The daemon does not run it unless the configuration says "runner: daemon".'

/** The jobs that pg_cron should run and does not, as sentences. Runs no query if pg_cron is the runner of no job. */
export async function watchCron(db: Database, entries: Iterable<RegistryEntry>): Promise<string[]> {
  const cronEntries = [...entries].filter(
    ({state}) => state?.versions.at(-1)?.state === 'active' && state.versions.at(-1)!.runner === 'pg_cron',
  )
  if (cronEntries.length === 0) return []
  const names = cronEntries.map(({job}) => job.name)
  const unscheduled = cronEntries.filter(({state}) => state!.versions.at(-1)!.commands == null).map(({job}) => job.name)
  const grace = ({lateAfter}: Job) => (lateAfter + cronMinute) / 1000
  const rows = await db.query<{job: string | null; part: string | null; due: Instant | null}>(
    statement(loadQicoreSql(db.server, 'daemon/cron-missed'), [
      names,
      cronEntries.map(({job}) => grace(job)),
      leftToPgCron,
    ]),
  )
  const missed = rows.filter(({job}) => job !== null && !unscheduled.includes(job))
  const dead = rows.some(({job}) => job === null)
  return [
    ...(dead ? [`${deadScheduler.problem}, but pg_cron is the runner of ${formatNames(names)}. ${notReclaimed}`] : []),
    ...unscheduled.map((name) => `${name} has "runner: pg_cron", but pg_cron has no entry for it. Fix: ${entryFix()}`),
    ...missed.map(
      ({job, part, due}) =>
        `pg_cron has not started ${job}${part ? ` for ${part}` : ''}, due since ${due}. ${notReclaimed}`,
    ),
  ]
}

function formatNames(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

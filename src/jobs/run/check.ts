import {docsPage} from '../../units/docs.js'
import type {Config} from '../../config/load.js'
import type {TargetConfig} from '../../config/target-settings.js'
import {readJobFiles} from '../../config/job-files.js'
import {jobsOf, type Job} from '../../config/jobs.js'
import {usageError} from '../../errors.js'
import {cutStatements} from '../kinds/sql-aside.js'
import {dueTimeProblem, dueTimes, nextDueTime} from '../../schedule/due-times.js'
import {inWindow} from '../../schedule/due.js'
import {mistakesIn} from '../../units/mistakes.js'

/** With the name of the target, if it is the configuration of one. */
type Settings = Config & Partial<Pick<TargetConfig, 'target'>>

/**
 * The jobs of a configuration (null: the default jobs), each with a valid schedule.
 * @throws OpsError CONFIG with all mistakes
 */
export function checkedJobs(config: Settings | null, now: number): Job[] {
  const {jobs, problems} = look(config, now)
  rejectProblems(config, problems)
  return jobs
}

/**
 * The same, with the SQL of `sql` jobs split into statements.
 * @throws OpsError CONFIG with all mistakes
 */
export async function runnableJobs(config: Settings | null, now: number): Promise<Job[]> {
  const {jobs, problems} = look(config, now)
  const cut = await cutStatements(jobs)
  rejectProblems(config, [...problems, ...cut.problems])
  return cut.jobs
}

function look(config: Settings | null, now: number): {jobs: Job[]; problems: string[]} {
  const {jobs, problems} = readJobFiles(jobsOf(config?.jobs ?? {}, config?.target ?? null), config?.directory ?? null)
  for (const job of jobs) problems.push(...problemsOf(job, now).map((problem) => `jobs.${job.name}.${problem}`))
  return {jobs, problems}
}

function rejectProblems(config: Settings | null, problems: readonly string[]): void {
  if (problems.length === 0) return
  throw usageError('CONFIG', mistakesIn(config?.file ?? 'The configuration', problems), [
    `Nothing was done. Every field of a job with an example: ${docsPage('daemon')}`,
  ])
}

function problemsOf(job: Job, now: number): string[] {
  const problem = dueTimeProblem(job, now)
  if (problem !== null) return [`schedule: ${problem}`]
  const problems: string[] = []
  const shortest = job.jitter > 0 ? shortestInterval(job, now) : null
  if (shortest !== null && job.jitter >= shortest)
    problems.push(`jitter: ${job.jitter / 1000} s is not shorter than the ${shortest / 1000} s between two runs`)
  if (job.window !== null && !everInWindow(job, now))
    problems.push(`window: no run of "${job.schedule}" ${job.timezone} is within ${job.window}`)
  return problems
}

/** The shortest interval between the next due times, in milliseconds; null if there are fewer than two. */
function shortestInterval(job: Job, now: number): number | null {
  let before = nextDueTime(job, now)
  let shortest: number | null = null
  for (let n = 0; n < 30 && before !== null; n += 1) {
    const next = nextDueTime(job, before)
    if (next === null) break
    shortest = Math.min(shortest ?? Infinity, next - before)
    before = next
  }
  return shortest
}

function everInWindow(job: Job, now: number): boolean {
  let seen = 0
  for (const at of dueTimes(job, now, now + 400 * 86_400_000)) {
    if (inWindow(job.window, job.timezone, at)) return true
    seen += 1
    // More than two days of a schedule that runs every minute, so that every time of day occurs.
    if (seen > 3_000) break
  }
  return seen > 0 && everInFewDays(job, now)
}

/**
 * For a schedule too dense to check for a year: whether the first due time after any of the next 72 hours is inside.
 */
function everInFewDays(job: Job, now: number): boolean {
  for (let hour = 0; hour < 72; hour += 1) {
    const at = nextDueTime(job, now + hour * 3_600_000)
    if (at !== null && inWindow(job.window, job.timezone, at)) return true
  }
  return false
}

import type {Config} from '../config/load.js'
import type {Job} from '../config/jobs.js'
import {usageError} from '../errors.js'

/**
 * The job with that name.
 * @throws OpsError NO_SUCH_JOB with the known names
 */
export function jobNamed(jobs: readonly Job[], name: string, config: Config | null): Job {
  const job = jobs.find((candidate) => candidate.name === name)
  if (job) return job
  throw usageError('NO_SUCH_JOB', `There is no job "${name}".`, [
    `Known jobs: ${jobs.map((one) => one.name).join(', ') || 'none'}.`,
    sourceOf(config),
  ])
}

function sourceOf(config: Config | null): string {
  if (config === null) return 'These are the defaults. Write your own under jobs: in qicore-db.config.yaml.'
  if (Object.keys(config.jobs ?? {}).length === 0)
    return `These are the defaults: ${config.file} has no jobs. Write your own under jobs: there.`
  return `They are the defaults and those under jobs: in ${config.file}.`
}

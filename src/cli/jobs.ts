import type {Config} from '../config/load.js'
import type {Job} from '../config/jobs.js'
import {usageError} from '../errors.js'

/** The job of that name. @throws OpsError NO_SUCH_JOB with the names there are */
export function jobNamed(jobs: readonly Job[], name: string, config: Config | null): Job {
  const job = jobs.find((candidate) => candidate.name === name)
  if (job) return job
  throw usageError('NO_SUCH_JOB', `There is no job "${name}".`, [`There are: ${jobs.map((one) => one.name).join(', ') || 'none'}.`, config === null ? 'Jobs are written under jobs: in qicore-db.config.yaml.' : `They are written under jobs: in ${config.file}.`])
}

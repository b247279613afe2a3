import {readFileSync} from 'node:fs'
import {resolve} from 'node:path'
import type {Job, OptionsOf} from './jobs.js'

/**
 * Reads the file of each `sql` job into its options. A later edit of the file takes effect at the next start.
 * @returns the jobs, and the errors of unreadable files, each with its path in the configuration
 */
export function readJobFiles(jobs: readonly Job[], directory: string | null): {jobs: Job[]; problems: string[]} {
  const problems: string[] = []
  const read = jobs.map((job) => {
    const {file, ...options} = job.options as OptionsOf<'sql'>
    if (job.kind !== 'sql' || file === undefined) return job
    try {
      const statement = new TextDecoder('utf-8', {fatal: true}).decode(readFileSync(resolve(directory ?? '.', file)))
      return {...job, options: {...options, file, statement}}
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException
      problems.push(
        `jobs.${job.name}.file: ${file} cannot be read ` +
          `(${code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : code})`,
      )
      return job
    }
  })
  return {jobs: read, problems}
}

import {fork} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import type {Job, JobOptions} from '../../config/jobs.js'
import type {ReadText, Text} from './sql-worker.js'

/**
 * Splits the SQL of every `sql` job into statements, in a child process that then ends (see sql-worker.ts).
 * @returns the jobs with `statements` in their options, and the errors with their path in the configuration
 */
export async function cutStatements(jobs: readonly Job[]): Promise<{jobs: Job[]; problems: string[]}> {
  const texts = jobs
    .filter(({kind}) => kind === 'sql')
    .map(({name, options}): Text => ({name, options: options as JobOptions['sql']}))
    // A file that cannot be read is reported by readJobFiles.
    .filter(({options}) => options.statement !== undefined)
  if (texts.length === 0) return {jobs: [...jobs], problems: []}
  const read = new Map((await inProcess(texts)).map((one) => [one.name, one]))
  const problems: string[] = []
  const cut = jobs.map((job) => {
    const one = read.get(job.name)
    if (one === undefined) return job
    if ('statements' in one) return {...job, options: {...job.options, statements: one.statements}}
    // A message about SQL in the configuration already starts with its path.
    problems.push(one.problem.startsWith('jobs.') ? one.problem : `jobs.${job.name}.file: ${one.problem}`)
    return job
  })
  return {jobs: cut, problems}
}

async function inProcess(texts: readonly Text[]): Promise<ReadText[]> {
  const child = fork(workerFile(), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    return await new Promise((resolve, reject) => {
      child.once('message', (read) => resolve(read as ReadText[])).once('error', reject)
      child.once('exit', (code, signal) => reject(new Error(`the SQL parser process exited (${code ?? signal})`)))
      child.send([...texts])
    })
  } finally {
    child.kill()
  }
}

/** Under tsx and vitest this file is TypeScript, but a child process does not have their loaders. */
function workerFile(): string {
  return fileURLToPath(
    import.meta.url.endsWith('.ts')
      ? new URL('../../../dist/jobs/kinds/sql-worker.js', import.meta.url)
      : new URL('./sql-worker.js', import.meta.url),
  )
}

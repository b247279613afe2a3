import {fork} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import type {Job, JobOptions} from '../../config/jobs.js'
import type {ReadText, Text} from './sql-worker.js'

/**
 * Puts into the options of every `sql` job what its text was cut into, in a process that ends with it.
 * @returns the jobs, and what is wrong with their SQL, each with its path in the configuration
 */
export async function cutStatements(jobs: readonly Job[]): Promise<{jobs: Job[]; problems: string[]}> {
  const texts = jobs
    .filter(({kind}) => kind === 'sql')
    .map(({name, options}): Text => ({name, options: options as JobOptions['sql']}))
    // A file that could not be read is reported where it is read.
    .filter(({options}) => options.statement !== undefined)
  if (texts.length === 0) return {jobs: [...jobs], problems: []}
  const read = new Map((await inProcess(texts)).map((one) => [one.name, one]))
  const problems: string[] = []
  const cut = jobs.map((job) => {
    const one = read.get(job.name)
    if (one === undefined) return job
    if ('statements' in one) return {...job, options: {...job.options, statements: one.statements}}
    // A message about the configuration's own text names it already.
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
      child.once('exit', (code, signal) => reject(new Error(`the parser of SQL ended (${code ?? signal})`)))
      child.send([...texts])
    })
  } finally {
    child.kill()
  }
}

/** Under tsx and vitest this file is TypeScript, and a process of its own has none of their loaders. */
function workerFile(): string {
  return fileURLToPath(
    import.meta.url.endsWith('.ts')
      ? new URL('../../../dist/jobs/kinds/sql-worker.js', import.meta.url)
      : new URL('./sql-worker.js', import.meta.url),
  )
}

import {jobsOf, jobsSchema, type Job} from '../../src/config/jobs.js'
import type {Identity} from '../../src/jobs/store/ledger.js'
import type {Database} from '../../src/db/database.js'
import {execute} from '../../src/run/execute.js'
import {defaultLimits} from '../../src/run/limits.js'
import {planInstall} from '../../src/schema/migrate/run.js'

/** A job as the configuration would return it. */
export function job(name: string, given: Record<string, unknown> = {}): Job {
  const entry = {kind: 'sql', schedule: '* * * * *', statement: 'select 1', ...given}
  return jobsOf(jobsSchema.parse({[name]: entry})).find((candidate) => candidate.name === name)!
}

export function identity(id: string): Identity {
  return {id, host: 'test', pid: 1, version: '0', actor: 'tester', targetHost: 'here'}
}

/** Installs the schema qicore as the program does. */
export async function withCore<T extends {db: Database}>(database: T): Promise<T> {
  const {steps} = await execute(database.db, await planInstall(database.db), {limits: defaultLimits, ledger: null})
  const failed = steps.find(({status}) => status === 'failed')
  if (failed) throw new Error(failed.error ?? failed.id)
  await database.db.probe()
  return database
}

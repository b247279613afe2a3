import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {statement} from '../../../src/db/sql.js'
import {toOpsError} from '../../../src/db/sqlstate.js'
import {ledgerJobs} from '../../../src/jobs/store/job-list.js'
import {readHistory} from '../../../src/jobs/store/history.js'
import {execute} from '../../../src/run/execute.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {nameGrants} from '../../../src/run/privilege-advice.js'
import {planInstall} from '../../../src/schema/migrate/run.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {applicationName, targetOf} from '../../helpers/server.js'

async function asRole<T>({run, url, db}: TestDatabase, work: (db: Database, role: string) => Promise<T>): Promise<T> {
  const role = `${db.server.database}_reader`
  await run(`create role ${role} login`)
  const named = new URL(url)
  named.username = role
  const own = await connect(targetOf(named.href), {applicationName})
  try {
    return await work(own, role)
  } finally {
    await own.close()
    await run(`drop owned by ${role} cascade`)
    await run(`drop role ${role}`)
  }
}

/** The statements that the error of a report advises; null if it succeeds. */
async function adviceOf(db: Database, work: () => Promise<unknown>): Promise<string | null> {
  const refused = await nameGrants(db, 'read', work).then(
    () => null,
    (error: unknown) => toOpsError(error, 'read'),
  )
  if (refused === null) return null
  expect(refused.code).toBe('NO_PRIVILEGE')
  return refused.suggestions[0]!
}

const lead = 'As the owner of the object: '
const all = {jobs: null, since: null, statuses: null, limit: 1}

forEachEngine({native: true}, (engine) => {
  it('the error of a role that may not use the schema qicore has the statements that let it read every report', async () => {
    const database = await withCore(await engine.database())
    await asRole(database, async (db, role) => {
      const reports = [
        () => ledgerJobs(db),
        () => readHistory(db, all),
        () => db.query(statement('select from qicore.schema_versions')),
      ]
      for (const report of reports)
        expect(await adviceOf(db, report)).toBe(
          `${lead}grant usage on schema qicore to ${role}; grant select on all tables in schema qicore to ${role}`,
        )
      await database.run((await adviceOf(db, reports[0]!))!.slice(lead.length))
      for (const report of reports) expect(await adviceOf(db, report)).toBeNull()
    })
  })

  it('the error of a role that lacks one table of the schema has the grant of that table, and for another table names the owner', async () => {
    const database = await withCore(await engine.database())
    await database.run('create table public.theirs (v int)')
    await asRole(database, async (db, role) => {
      await database.run(`grant usage on schema qicore to ${role}; grant select on all tables in schema qicore to ${role};
        revoke select on qicore.maintenance_log from ${role}`)
      const advice = await adviceOf(db, () => readHistory(db, all))
      expect(advice).toBe(`${lead}grant select on qicore.maintenance_log to ${role}`)
      expect(await adviceOf(db, () => db.query(statement('select from public.theirs')))).toBe(
        'Connect as the owner of the table, or name it as `role` of the target.',
      )
    })
  })

  it('the failed step of a role that may not create the schema qicore has the grant on the database', async () => {
    const database = await engine.database()
    await asRole(database, async (db, role) => {
      const {steps} = await execute(db, await planInstall(db), {limits: defaultLimits, ledger: null})
      const failed = steps.find(({status}) => status === 'failed')
      expect(failed?.note).toBe(
        `as the owner of the object: grant create on database "${db.server.database}" to "${role}"`,
      )
    })
  })
})

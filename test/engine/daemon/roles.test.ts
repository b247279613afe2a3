import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {readMissingQicorePrivileges} from '../../../src/run/qicore-privileges.js'
import {claim, renew} from '../../../src/jobs/store/claims.js'
import {heartbeat, noteTimeline} from '../../../src/jobs/store/daemons.js'
import {declare, readJobs} from '../../../src/jobs/store/ledger-jobs.js'
import {finish} from '../../../src/jobs/store/results.js'
import {evaluateDue} from '../../../src/schedule/due.js'
import {prepareDatabase} from '../../../src/daemon/prepare.js'
import {connect} from '../../../src/db/connect.js'
import {sqlDirectory} from '../../../src/db/load-sql.js'
import {defaultLimits} from '../../../src/run/limits.js'
import {takeRunLock} from '../../../src/run/run-lock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {targetOf} from '../../helpers/server.js'
import {identity, job, withCore} from '../../helpers/daemon-jobs.js'

const roles = readFileSync(new URL('roles.sql', sqlDirectory), 'utf8')
const as = (url: string, role: string) => url.replace(/\/\/[^@/]*@/, `//${role}@`)
const context = {sections: {tables: {}, aggregates: {}}, limits: defaultLimits}

forEachEngine({native: true}, (engine) => {
  it('a login with only qicore_operate can do the work of a daemon; with qicore_read the error names the missing grant', async () => {
    const {db, run, url} = await withCore(await engine.database())
    await run(roles)
    await run(roles)
    const suffix = db.server.database.slice(-8)
    const [daemon, reader] = [`daemon_${suffix}`, `reader_${suffix}`]
    await run(`create role ${daemon} login in role qicore_operate; create role ${reader} login in role qicore_read`)
    const operator = await connect(targetOf(as(url, daemon)), {applicationName: 'qicore-db/test'})
    const onlyReads = await connect(targetOf(as(url, reader)), {applicationName: 'qicore-db/test'})
    try {
      const jobs = [job('a', {schedule: '* * * * * *'})]
      expect(operator.server.superuser).toBe(false)
      expect(await readMissingQicorePrivileges(operator, null)).toEqual([])
      expect(await prepareDatabase(operator, context, jobs, () => {})).toBeNull()
      await declare(operator, jobs, 'daemon')
      await heartbeat(operator, identity('d'))
      await noteTimeline(operator, identity('d'))
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      const [state] = await readJobs(operator)
      const {decision} = evaluateDue(jobs[0]!, state!, Date.now() + 1_000)
      const {advanced: moved} = await claim(
        operator,
        [{job: jobs[0]!, state: state!, decision: {...decision!, dueAt: decision!.to - 1_000}}],
        identity('d'),
        30,
      )
      const mine = moved[0]!.claim!
      expect((await renew(operator, [mine], 30)).size).toBe(1)
      expect(await finish(operator, mine, {status: 'done'})).toBe(true)
      await (await takeRunLock(operator, ['table x'], 'test')).release()

      expect(await readJobs(onlyReads)).toHaveLength(1)
      await expect(prepareDatabase(onlyReads, context, jobs, () => {})).rejects.toMatchObject({
        code: 'NO_PRIVILEGE',
        message: expect.stringContaining('insert, update on qicore.maintenance_log'),
        suggestions: [expect.stringContaining('sql/roles.sql')],
      })
    } finally {
      await Promise.all([operator.close(), onlyReads.close()])
      await run(
        `drop owned by ${daemon}, ${reader}; drop role ${daemon}, ${reader}; drop owned by qicore_read, qicore_operate, qicore_install`,
      )
    }
  })
})

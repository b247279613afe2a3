import {afterEach, expect, it} from 'vitest'
import {stepLedger} from '../../../src/jobs/store/step-log.js'
import type {Claim} from '../../../src/jobs/store/claims.js'
import {openLedger} from '../../../src/run/run-log.js'
import {stepReport} from '../../../src/run/step-report.js'
import {command, repeatInCommands} from '../../../src/units/command.js'
import {withCore} from '../../helpers/daemon-jobs.js'
import {forEachEngine} from '../../helpers/engines.js'
import {quick} from '../../helpers/run-steps.js'

afterEach(() => repeatInCommands({}))

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('the record of a run has commands without the --url of the process that ran it', async () => {
    const {db, run} = await withCore(await engine.database())
    repeatInCommands({url: 'postgres://me@somewhere/market', config: 'mine.yaml'})
    const words = `Fix: ${command('policies apply')}`
    const report = {...stepReport({id: 'a'}, 'failed', 1), error: words, note: words}
    const owner = {operation: 'test', actor: 'me', targetHost: 'here', detail: {summary: words}}
    const ledger = (await openLedger(db, owner, quick))!
    await ledger.stepEnded(0, report)
    await db.transaction({readOnly: false, lockTimeout: 0, statementTimeout: 0}, (tx) =>
      ledger.stepDone(tx, 1, {...report, id: 'b'}),
    )
    await ledger.stepNoted('a', words)
    await ledger.finish('failed', words)
    const [{id}] = (await run('select id from qicore.maintenance_log')) as [{id: number}]
    const job = stepLedger(db, {id} as Claim, 10, quick)
    await job.stepEnded(0, {...report, id: 'c'})
    await job.stepNoted('c', words)
    const stored = JSON.stringify([
      await run('select * from qicore.maintenance_log'),
      await run('select * from qicore.maintenance_step'),
    ])
    expect(stored).toContain('Fix: qicore-db policies apply')
    expect(stored).not.toMatch(/--url|--config|somewhere/)
  })
})

import {expect, it} from 'vitest'
import {listJobs} from '../../../../src/jobs/store/job-list.js'
import {jobsTable} from '../../../../src/jobs/store/job-list-table.js'
import {cellText} from '../../../../src/units/cell-text.js'
import {job, withCore} from '../../../helpers/daemon-jobs.js'
import {forEachEngine} from '../../../helpers/engines.js'

const now = Date.parse('2026-03-01T00:00:00Z')

forEachEngine({}, (engine) => {
  it('a job is listed with its last ten runs, by schedule and by hand, without the skipped ones', async () => {
    const {db, run} = await withCore(await engine.database())
    const at = (day: number) => `timestamptz '2026-02-${String(day).padStart(2, '0')} 00:00Z'`
    await run(`insert into qicore.job (name, kind, revision, last_at) values ('a', 'sql', 1, ${at(1)}), ('b', 'sql', 1, ${at(1)});
      insert into qicore.job_schedule (job, revision, valid_from, state, runner, schedule, timezone, actor)
        select name, 1, ${at(1)}, 'active', 'daemon', '@daily', 'UTC', 'x' from qicore.job;
      insert into qicore.maintenance_log (operation, job, scheduled_at, started_at, completed_at, status)
        select 'sql', 'a', d, d, d + n * interval '1 second', case n when 14 then 'failed' when 15 then 'skipped' else 'done' end
        from generate_series(1, 16) n, lateral (select ${at(1)} + n * interval '1 day' as d) days;
      insert into qicore.maintenance_log (operation, job, started_at, completed_at, status)
        values ('sql', 'a', ${at(20)}, ${at(20)} + interval '4 seconds', 'done'), ('sql', 'a', ${at(21)}, null, 'running')`)
    const {jobs} = await listJobs(db, [job('a'), job('b')], now)
    expect(jobs.map(({name, recentRuns}) => [name, recentRuns.length])).toEqual([
      ['a', 10],
      ['b', 0],
    ])
    expect(jobs[0]!.recentRuns.map(({status, ms}) => `${status} ${ms}`)).toEqual([
      ...[7, 8, 9, 10, 11, 12, 13].map((n) => `done ${n * 1000}`),
      'failed 14000',
      'done 16000',
      'done 4000',
    ])
    const column = jobsTable.columns.find(({id}) => id === 'recent_runs')!
    expect(jobs.map((row) => cellText(column, row, {at: ''}))).toEqual(['▄▅▅▆▆▇▇×█▃', ''])
  })
})

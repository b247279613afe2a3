import {expect, it} from 'vitest'
import {declaredWatch} from '../../../src/daemon/declared-watch.js'
import {planPolicies} from '../../../src/policies/plan/plan.js'
import {readPolicyStatus} from '../../../src/policies/status/status.js'
import {forEachEngine} from '../../helpers/engines.js'

forEachEngine({kinds: ['timescaledb']}, (engine) => {
  it('says that no policy runs on a declared hypertable that is an ordinary table, and plans nothing for it', async () => {
    const {db, run} = await engine.database()
    await run('create table public.lost (time timestamptz not null, v int, primary key (time))')
    const after = {months: 0, days: 7, seconds: 0}
    const declared = [
      {
        schema: 'public',
        name: 'lost',
        from: 'config' as const,
        section: 'tables' as const,
        described: true,
        compression: {after, segmentBy: null, orderBy: null},
        retention: {after, native: false},
      },
    ]
    const {policies, notes} = await readPolicyStatus(db, {declared, lateAfter: 0})
    expect(policies.map(({table, kind, ok, findings}) => ({table, kind, ok, finding: findings[0]}))).toEqual(
      ['compression', 'retention'].map((kind) => ({
        table: 'lost',
        kind,
        ok: false,
        finding: expect.stringContaining('public.lost is a plain table, not a hypertable'),
      })),
    )
    expect(notes.join(), 'no advice to create what exists').not.toContain('does not exist')
    await expect(
      planPolicies(db, {declared, maxDropPerRun: 8, target: 'here', prune: false, recompress: false}),
    ).rejects.toMatchObject({exitCode: 2, message: expect.stringContaining('lost')})
  })

  it('a daemon is not ready while a declared hypertable is an ordinary table', async () => {
    const {db, run} = await engine.database()
    await run('create table public.lost (time timestamptz not null, v int)')
    await run('create table public.whole (time timestamptz not null, v int)')
    await run("select create_hypertable('public.whole', 'time')")
    const compression = {after: {months: 0, days: 7, seconds: 0}}
    const warned: string[] = []
    const watch = declaredWatch(
      () => db,
      {partitions: () => [], sections: {tables: {lost: {compression}, whole: {compression}}, aggregates: {}}},
      (message) => warned.push(message),
    )
    watch.start(50)
    try {
      const problem = expect.stringContaining('public.lost is a plain table, not a hypertable')
      await expect.poll(watch.problems, {timeout: 10_000}).toEqual([problem])
      await run("select create_hypertable('public.lost', 'time')")
      await expect.poll(watch.problems, {timeout: 10_000}).toEqual([])
      expect(warned).toEqual([problem])
    } finally {
      watch.stop()
    }
  })
})

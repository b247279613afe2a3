import {expect, it} from 'vitest'
import {declaredWatch} from '../../../src/daemon/declared-watch.js'
import type {OpsError} from '../../../src/errors.js'
import type {Declared} from '../../../src/policies/declared/declared.js'
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

const relations = `create table ordinary (time timestamptz not null);
  create view reader as select * from ordinary;
  create materialized view stored as select * from ordinary;
  create table parts (time timestamptz not null) partition by range (time);
  create table parts_2026 partition of parts for values from ('2026-01-01 00:00+00') to ('2027-01-01 00:00+00')`
const after = {months: 0, days: 7, seconds: 0}
const rules = {
  tables: {compression: {after, segmentBy: null, orderBy: null}, retention: {after, native: false}},
  aggregates: {
    refresh: {
      startOffset: after,
      endOffset: {months: 0, days: 0, seconds: 3600},
      every: {months: 0, days: 0, seconds: 3600},
    },
  },
}

forEachEngine({not: ['citus'], native: true}, (engine) => {
  it('policies status says of every kind of relation what policies plan says, and never that one of them does not exist', async () => {
    const {db, run} = await engine.database()
    await run(relations)
    const names = ['ordinary', 'reader', 'stored', 'parts_2026', 'parts', 'nowhere']
    for (const [section, policies] of Object.entries(rules))
      for (const [kind, rule] of Object.entries(policies))
        for (const name of names) {
          const declared = [
            {schema: 'public', name, from: 'config', section, described: false, [kind]: rule} as unknown as Declared,
          ]
          const refused = await planPolicies(db, {declared, maxDropPerRun: 8, target: 'here', onlyLook: true}).then(
            () => null,
            (error: OpsError) => error,
          )
          const {policies: statuses, notes} = await readPolicyStatus(db, {declared, lateAfter: 0})
          const said = [kind, name, statuses.map(({ok}) => ok)]
          if (name === 'nowhere') {
            expect([refused?.code, ...said]).toEqual(['NO_SUCH_TABLE', kind, name, []])
            expect(notes.join()).toContain('public.nowhere does not exist')
            continue
          }
          expect(notes.join()).not.toContain('does not exist')
          if (refused === null) continue
          expect(said).toEqual([kind, name, [false]])
          const [finding] = statuses[0]!.findings
          expect(finding).toContain(`public.${name}`)
          expect(finding, 'apply would refuse it').not.toContain('Fix: qicore-db policies apply')
        }
  })
})

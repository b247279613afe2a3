import {describe, expect, it} from 'vitest'
import {statement} from '../../../src/db/sql.js'
import {loadSql} from '../../../src/db/load-sql.js'
import {daysAgo, today} from '../../helpers/clock.js'
import {forEachEngine} from '../../helpers/engines.js'
import {agree, daysLeft, refresh, retain, seven, ticks} from '../../helpers/policies-ticks.js'

describe('gated retention', () => {
  forEachEngine({}, (engine) => {
    it('drops nothing that was not confirmed, and nothing after the row was changed', async () => {
      const database = await ticks(engine)
      expect(await retain(database)).toMatch(/qicore.policies declares no retention/)
      await agree(database, {...seven, after: '15 days'})
      await refresh(database, daysAgo(30), today)
      await database.run('update qicore.policies set config = config || \'{"after": "7 days"}\'')
      expect(await retain(database)).toMatch(/older than 7 days, at most 8 a run\) is not confirmed/)
      await database.run('update qicore.policies set config = config || \'{"after": "15 days"}\'')
      expect(await retain(database, '{"object": "public.ticks", "hash": "another"}')).toMatch(/is not confirmed/)
      expect(await daysLeft(database)).toBe(21)
      expect(await retain(database)).toBeNull()
      expect(await daysLeft(database)).toBe(16)
    })

    it('holds back what an aggregate has not covered, names the range, and drops the rest', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      expect(await retain(database)).toMatch(
        /13 (chunks|partitions) older than 7 days not dropped: .*public\.daily has not covered/,
      )
      expect(await daysLeft(database)).toBe(21)
      await refresh(database, daysAgo(12), today)
      expect(await retain(database)).toMatch(/8 (chunks|partitions) older than 7 days not dropped/)
      expect(await daysLeft(database)).toBe(16)
      const steps = await database.run<{status: string; count: number}>(
        'select status, count(*)::int as count from qicore.maintenance_step group by 1 order by 1',
      )
      expect(steps).toEqual([
        {status: 'done', count: 5},
        {status: 'skipped', count: 21},
      ])
    })

    it('never drops more than the confirmed number in one run, and continues in the next; the aggregate keeps its history', async () => {
      const database = await ticks(engine)
      await agree(database, {...seven, maxDropPerRun: 5})
      await refresh(database, daysAgo(30), today)
      const left: number[] = []
      for (let turn = 0; turn < 4; turn += 1) {
        expect(await retain(database)).toBeNull()
        left.push(await daysLeft(database))
      }
      expect(left).toEqual([16, 11, 8, 8])
      await refresh(database, daysAgo(6), today)
      const [row] = await database.run<{buckets: number}>('select count(*)::int as buckets from public.daily')
      expect(row!.buckets).toBe(20)
    })

    it('drops nothing if the newest row is older than the retention: the feed has stopped, and this may be the last copy', async () => {
      const database = await ticks(engine, daysAgo(10))
      await agree(database, seven)
      await refresh(database, daysAgo(40), today)
      expect(await retain(database)).toMatch(
        /the newest row is older than the retention, so these may be the last copy/,
      )
      expect(await daysLeft(database)).toBe(21)
      await database.run(
        "insert into qicore.policies (object, kind, config) values ('public.nowhere', 'retention', '{}')",
      )
      expect(await retain(database, '{"object": "public.nowhere"}')).toMatch(/table public\.nowhere does not exist/)
    })

    it('sees rows that changed after they were computed', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      await refresh(database, daysAgo(30), today)
      await database.run(`insert into public.ticks values (${daysAgo(15)} + interval '90 minutes', 2)`)
      expect(await retain(database)).toMatch(
        /1 (chunk|partition) older than 7 days not dropped: .*(has not covered|rows changed after)/,
      )
      await refresh(database, daysAgo(15), daysAgo(14))
      expect(await retain(database)).toBeNull()
    })

    it('is reported by policies status in the same words', async () => {
      const database = await ticks(engine)
      await agree(database, seven)
      const [row] = await database.run<{config: string}>('select config::text as config from qicore.policies')
      const rows = await database.db.query<{relation: string; reason: string | null}>(
        statement(loadSql('policies/gate'), ['public.ticks', row!.config]),
      )
      expect(rows).toHaveLength(13)
      for (const {reason} of rows) expect(reason).toMatch(/public\.daily has not covered/)
    })
  })
})

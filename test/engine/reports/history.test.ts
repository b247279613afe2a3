import {describe, expect, it} from 'vitest'
import {readRuns, type HistoryRequest} from '../../../src/reports/history.js'
import {forEachEngine} from '../../helpers/engines.js'
import {replay} from '../../helpers/schema-replay.js'

/** Five runs, the newest last; the process of the running ones is gone. */
const rows = `
  insert into qicore.maintenance_log (operation, status, started_at, completed_at, actor, detail) values
    ('chunks compress public.a', 'done', '2026-01-01 10:00Z', '2026-01-01 10:01Z', 'ada (ada@desk, pid 1)', '{}'),
    ('chunks compress public.b', 'failed', '2026-01-02 10:00Z', '2026-01-02 10:01Z', 'bob (bob@desk, pid 2)', '{}'),
    ('chunks drop public.a', 'partial', '2026-01-03 10:00Z', '2026-01-03 10:01Z', 'ada (ada@desk, pid 3)', '{}'),
    ('chunks drop public.b', 'running', '2026-01-04 10:00Z', null, 'bob (bob@desk, pid 4)', '{"pid": 999999999}'),
    ('chunks drop public.c', 'running', '2026-01-05 10:00Z', null, 'ada (ada@desk, pid 5)', '{"pid": 999999998}')`

const everything: HistoryRequest = {table: null, since: null, limit: 100}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  describe('history', () => {
    it.each<[string, Partial<HistoryRequest>, string[]]>([
      ['all, newest first', {}, ['drop c', 'drop b', 'drop a', 'compress b', 'compress a']],
      ['an actor, letter case apart', {actor: 'ADA@'}, ['drop c', 'drop a', 'compress a']],
      ['an end, which is not included', {until: '2026-01-02T10:00:00Z'}, ['compress a']],
      ['a stored status', {statuses: ['failed', 'partial']}, ['drop a', 'compress b']],
      ['a status that follows from the end of the session', {statuses: ['interrupted']}, ['drop c', 'drop b']],
      [
        'as many as were asked for, though running ones were read too',
        {statuses: ['failed', 'done'], limit: 1},
        ['compress b'],
      ],
      ['nothing where nothing is running any more', {statuses: ['running']}, []],
    ])('filters by %s', async (_, filter, expected) => {
      const database = await engine.database()
      await replay(database)
      await database.run(rows)
      const {runs} = await readRuns(database.db, {...everything, ...filter})
      const short = runs!.map(({operation}) => operation.replace('chunks ', '').replace('public.', ''))
      expect(short).toEqual(expected)
    })
  })
})

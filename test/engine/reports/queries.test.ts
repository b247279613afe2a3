import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import type {Database} from '../../../src/db/database.js'
import {renderCsv} from '../../../src/cli/render/csv.js'
import {renderMarkdown} from '../../../src/cli/render/markdown.js'
import {renderReport} from '../../../src/cli/render/report.js'
import {aroundQueries} from '../../../src/cli/render/stats.js'
import {queriesTable} from '../../../src/reports/queries-table.js'
import {readQueries} from '../../../src/reports/queries.js'
import {enginesFor, forEachEngine, skipBecause, type TestDatabase} from '../../helpers/engines.js'
import {applicationName} from '../../helpers/server.js'

forEachEngine({}, (engine) => {
  it('says how to enable pg_stat_statements if the extension is missing', async () => {
    const {db} = await engine.database()
    const report = await readQueries(db, {limit: 20})
    expect(report).toMatchObject({
      kind: 'stats.queries',
      version: 1,
      queries: [],
      notes: [expect.stringContaining('pg_stat_statements')],
    })
    if (engine.native) expect(report.notes[0]).toContain('CREATE EXTENSION pg_stat_statements')
  })
})

const counting = async ({run, db}: TestDatabase, schema = 'public'): Promise<Database> => {
  await run(`create schema if not exists "${schema}"`)
  await run(`create extension pg_stat_statements schema "${schema}"`)
  await db.probe()
  return db
}

forEachEngine({native: true}, (engine) => {
  describe('with pg_stat_statements', () => {
    it('lists the statements of this database by total time, in any schema of the extension', async () => {
      const database = await engine.database()
      const db = await counting(database, 'odd schema')
      await database.run('create table quotes (a int)')
      for (let count = 0; count < 3; count += 1)
        await database.run(`insert into quotes select generate_series(1, 1000)`)
      const {queries, notes} = await readQueries(db, {limit: 1000})
      expect(notes).toEqual([])
      const insert = queries.find(({query}) => query?.startsWith('insert into quotes'))!
      expect(insert).toMatchObject({calls: 3, rows: 3000})
      expect(insert.totalMs).toBeGreaterThan(0)
      expect(insert.meanMs).toBeCloseTo(insert.totalMs / 3, 6)
      expect(queries.map(({totalMs}) => totalMs)).toEqual(queries.map(({totalMs}) => totalMs).sort((a, b) => b - a))
      expect((await readQueries(db, {limit: 2})).queries).toHaveLength(2)
    })

    it('prints at most 200 characters of a statement in a pipe and in Markdown, and the whole text as CSV', async () => {
      const database = await engine.database()
      const db = await counting(database)
      const long = `select ${Array.from({length: 400}, (_, n) => `${n} as column_${n}`).join(', ')}`
      await database.run(long)
      const report = await readQueries(db, {limit: 1000})
      const shown = {table: queriesTable, context: report, rows: report.queries, ...aroundQueries(report)}
      const lineOf = (text: string) => text.split('\n').find((line) => line.includes(' as column_0, '))!
      const cell = /select \S+ as column_0, .*…/
      for (const text of [
        renderReport(shown, {width: null, color: false, headers: true}),
        renderMarkdown(shown, true).replaceAll('\\', ''),
      ])
        expect(cell.exec(lineOf(text))![0]).toHaveLength(200)
      expect(lineOf(renderCsv(shown, true))).toContain('as column_399')
      expect(renderReport(shown, {width: null, color: false, headers: true})).toContain('Full texts: --csv')
    })

    it('distinguishes a statement of a client from a nested one, with role, first time and share', async () => {
      const database = await engine.database()
      const db = await counting(database)
      await database.run(
        "create function slow() returns int language plpgsql as 'begin perform count(*) from generate_series(1, 20000) as inner_part; return 1; end'",
      )
      await database.run("select set_config('pg_stat_statements.track', 'all', true), slow()")
      const {queries, countedSince} = await readQueries(db, {limit: 1000})
      expect(Date.parse(countedSince!)).not.toBeNaN()
      // The opening of each of our transactions begins with `select set_config` too.
      const outer = queries.find(({query}) => query?.startsWith('select set_config') && query.includes('slow()'))!
      const inner = queries.find(({query}) => query?.includes('as inner_part') && !query.startsWith('create'))!
      expect([outer.topLevel, inner.topLevel]).toEqual([true, false])
      expect(outer).toMatchObject({queryId: expect.stringMatching(/^-?\d+$/), roles: ['postgres'], calls: 1})
      expect(outer.maxMs!).toBeGreaterThanOrEqual(outer.minMs!)
      const shares = queries.filter(({topLevel}) => topLevel).map(({sharePercent}) => sharePercent!)
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(100, 3)
    })

    it('filters by a table that the text names as a word', async () => {
      const database = await engine.database()
      const db = await counting(database)
      await database.run('create table quotes (a int)')
      await database.run('create table quotes_old (a int)')
      await database.run('create table "Odd.Quo*tes" (a int)')
      await database.run('select count(*) from quotes')
      await database.run('select count(*), 1 from public."quotes"')
      await database.run('select count(*) from quotes_old')
      await database.run('select count(*) from "Odd.Quo*tes"')
      const texts = async (table: string) =>
        (await readQueries(db, {table, limit: 100})).queries
          .map(({query}) => query)
          .filter((query) => query?.startsWith('select'))
          .sort()
      expect(await texts('quotes')).toEqual([
        'select count(*) from quotes',
        expect.stringMatching(/^select count\(\*\), \$1 from public."quotes"/),
      ])
      expect(await texts('"Odd.Quo*tes"')).toEqual(['select count(*) from "Odd.Quo*tes"'])
      await expect(readQueries(db, {table: 'nowhere', limit: 5})).rejects.toMatchObject({
        code: 'NO_SUCH_TABLE',
        exitCode: 2,
      })
    })

    it('keeps the numbers of other roles and says how to see their text', async () => {
      const database = await engine.database()
      await counting(database)
      await database.run('create table quotes (a int)')
      await database.run('drop role if exists qicore_test_stranger')
      await database.run('create role qicore_test_stranger login')
      const stranger = await connect(
        {...database.target, url: database.url.replace(/\/\/[^@]*@/, '//qicore_test_stranger@')},
        {applicationName},
      )
      try {
        const {queries, notes} = await readQueries(stranger, {limit: 10_000})
        expect(queries.filter(({query}) => query === null)).toEqual([
          expect.objectContaining({calls: expect.any(Number)}),
        ])
        expect(notes).toEqual([expect.stringContaining('pg_read_all_stats')])
        const filtered = await readQueries(stranger, {table: 'quotes', limit: 10_000})
        expect(filtered).toMatchObject({
          queries: [],
          notes: [expect.stringMatching(/theirs that mention the table are missing: GRANT pg_read_all_stats/)],
        })
      } finally {
        await stranger.close()
        await database.run('drop role qicore_test_stranger')
      }
    })
  })
})

describe('an older pg_stat_statements', () => {
  const [engine] = enginesFor({native: true})
  if (engine === undefined) skipBecause('no native server in this run')
  else
    it('is read with the columns that it has', async () => {
      const database = await engine.database()
      // Version 1.7 has one time and no toplevel. Only the view is read.
      await database.run('create schema old')
      await database.run(`create view old.pg_stat_statements as
        select 10::oid as userid, (select oid from pg_database where datname = current_database()) as dbid, 1::int8 as queryid, 'select 1'::text as query, 4::int8 as calls, 8.0::float8 as total_time, 5::int8 as rows
        union all select 11, (select oid from pg_database where datname = current_database()), 1, 'select 1', 1, 2.0, 1
        union all select 10, 1, 2, 'select 2', 1, 100.0, 1`)
      const db: Database = {
        ...database.db,
        server: {...database.db.server, pgStatStatements: '1.7', pgStatStatementsSchema: 'old'},
      }
      const {queries, countedSince} = await readQueries(db, {limit: 5})
      expect(countedSince).toBeNull()
      expect(queries).toEqual([
        {
          query: 'select 1',
          queryId: '1',
          roles: [expect.any(String), expect.any(String)],
          topLevel: null,
          calls: 5,
          totalMs: 10,
          sharePercent: 100,
          meanMs: 2,
          minMs: null,
          maxMs: null,
          rows: 6,
          sharedBlocksHit: null,
          sharedBlocksRead: null,
          tempBlocksWritten: null,
        },
      ])
    })
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  it('continues without texts if one of another database cannot be decoded here', async () => {
    const database = await engine.database()
    // The view decodes each text in the encoding of this database.
    await database.run(`create schema odd; create function odd.pg_stat_statements(showtext boolean) returns table (dbid oid, userid oid, queryid int8, query text, calls int8, total_time float8, rows int8) language sql as
      $$ select oid, 10::oid, 7::int8, case when showtext then convert_from('\\xff', 'UTF8') end, 2::int8, 4.0::float8, 3::int8 from pg_database where datname = current_database() $$;
      create view odd.pg_stat_statements as select * from odd.pg_stat_statements(true)`)
    const db: Database = {
      ...database.db,
      server: {...database.db.server, pgStatStatements: '1.7', pgStatStatementsSchema: 'odd'},
    }
    const report = await readQueries(db, {limit: 5})
    expect(report.queries).toMatchObject([{query: null, queryId: '7', calls: 2, totalMs: 4}])
    expect(report.notes).toEqual([expect.stringContaining('invalid in the encoding of this database')])
    await database.run('create table quotes (a int)')
    expect(await readQueries(db, {table: 'quotes', limit: 5})).toMatchObject({
      queries: [],
      notes: [expect.stringContaining('unknown which statements mention quotes')],
    })
  })
})

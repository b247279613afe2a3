import {describe, expect, it} from 'vitest'
import {readActivity} from '../../../src/activity/read-activity.js'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {writing} from '../../helpers/server.js'

/** Another session with this application name on the same database. */
async function withSession<T>(
  {target}: TestDatabase,
  name: string,
  work: (db: Awaited<ReturnType<typeof connect>>) => Promise<T>,
) {
  const session = await connect(target, {applicationName: name})
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

/** Repeats the report until it is as expected: the other session needs a moment to begin its wait. */
async function until<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask()
    if (done(answer) || tries === 200) return answer
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

const partitioned = `
  create table events (at timestamptz not null, v int) partition by range (at);
  create table events_2024_01 partition of events for values from ('2024-01-01') to ('2024-02-01')`

describe('activity', () => {
  forEachEngine({native: true}, (engine) => {
    it('lists a waiting session below its blocker, both with the table of the partition', async () => {
      const database = await engine.database()
      await database.autocommit(partitioned)
      await withSession(database, 'loader', (loader) =>
        withSession(database, 'reader', (reader) =>
          loader.transaction({...writing, lockTimeout: 1_000}, async (tx) => {
            await tx.query(statement('lock table events_2024_01 in access exclusive mode'))
            const reading = reader.query(statement('select count(*) from events_2024_01'), {
              ...writing,
              lockTimeout: 20_000,
            })
            const {sessions, blocker} = await until(
              () => readActivity(database.db),
              (report) => report.sessions.some(({blockedBy}) => blockedBy.length > 0),
            )
            const mine = sessions.filter(({kind}) => kind === 'application')
            const seen = mine.map(({application, kind, tables, depth, blocks, waitsFor}) => ({
              application,
              kind,
              tables,
              depth,
              blocks,
              waitsFor,
            }))
            const events = {schema: 'public', table: 'events'}
            expect(seen).toEqual([
              {application: 'loader', kind: 'application', tables: [events], depth: 0, blocks: 1, waitsFor: null},
              {
                application: 'reader',
                kind: 'application',
                tables: [events],
                depth: 1,
                blocks: 0,
                waitsFor: {event: 'Lock', mode: 'AccessShareLock', table: events},
              },
            ])
            expect(mine[1]!.blockedBy).toEqual([mine[0]!.pid])
            const {pid} = mine[0]!
            expect(blocker).toEqual({pid, blocks: 1, end: `select pg_terminate_backend(${pid})`})
            reading.catch(() => {})
            await reader.cancel()
            await reading.catch(() => {})
          }),
        ),
      )
    })

    it('recognises the runs of this program by their application name', async () => {
      const database = await engine.database()
      await withSession(database, 'qicore-db/chunks compress', (run) =>
        run.transaction(writing, async (tx) => {
          await tx.query(statement('select 1'))
          const {sessions} = await readActivity(database.db)
          const runs = sessions.filter(({kind}) => kind === 'run')
          expect(runs.map(({application}) => application)).toEqual(['qicore-db/chunks compress'])
        }),
      )
    })

    it('names what a role without pg_monitor cannot see, and still shows which session blocks which', async () => {
      const database = await engine.database()
      const reporter = `${database.db.server.database}_reporter`
      await database.autocommit(`create role ${reporter} login`)
      try {
        await withSession(database, 'loader', (loader) =>
          loader.transaction(writing, async (tx) => {
            await tx.query(statement('select 1'))
            const url = new URL(database.url)
            url.username = reporter
            const restricted = await connect({...database.target, url: url.href}, {applicationName: 'reporter'})
            try {
              const report = await readActivity(restricted)
              expect(report.notes).toEqual([expect.stringContaining(`grant pg_monitor to "${reporter}"`)])
              expect([report.hidden, (await readActivity(database.db)).hidden]).toEqual([true, false])
              const loaders = report.sessions.filter(({application}) => application === 'loader')
              expect(loaders.map(({query, state}) => [query, state])).toEqual([[null, null]])
              // Sessions without a transaction do nothing, also if their state is hidden.
              expect(report.sessions.map(({kind}) => kind)).not.toContain('run')
            } finally {
              await restricted.close()
            }
          }),
        )
      } finally {
        await database.autocommit(`drop role ${reporter}`)
      }
    })
  })

  forEachEngine({kinds: ['timescaledb'], native: true}, (engine) => {
    it('shows a chunk and its compressed part as the hypertable, and the storage of an aggregate as the view', async () => {
      const database = await engine.database()
      await database.run('create table ticks (time timestamptz not null, v float)')
      await database.run("select create_hypertable('ticks', 'time', chunk_time_interval => interval '1 day')")
      await database.run("insert into ticks values ('2024-01-01', 1), ('2024-01-02', 2)")
      await database.run("alter table ticks set (timescaledb.compress, timescaledb.compress_orderby = 'time')")
      await database.run("select compress_chunk(c) from show_chunks('ticks', older_than => timestamptz '2024-01-02') c")
      await database.autocommit(
        "create materialized view daily with (timescaledb.continuous) as select time_bucket('1 day', time) as day, max(v) from ticks group by 1",
      )
      const relations = await database.run<{relation: string}>(`
        select c.oid::regclass::text as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = '_timescaledb_internal' and c.relkind = 'r' and c.relname ~ '_hyper_.*_chunk'`)
      expect(relations.length).toBeGreaterThanOrEqual(4)
      for (const {relation} of relations)
        await withSession(database, 'loader', (loader) =>
          loader.transaction(writing, async (tx) => {
            await tx.query(statement(`lock table only ${relation} in row exclusive mode`))
            const {sessions} = await readActivity(database.db)
            const [loaded] = sessions.filter(({application}) => application === 'loader')
            expect(
              loaded!.tables.map(({table}) => table),
              relation,
            ).toHaveLength(1)
            expect(['ticks', 'daily'], relation).toContain(loaded!.tables[0]!.table)
          }),
        )
    })
  })

  forEachEngine({kinds: ['timescaledb']}, (engine) => {
    it('works on a database without other sessions', async () => {
      const {db} = await engine.database()
      const {kind, sessions, notes} = await readActivity(db)
      expect({kind, notes, others: sessions.filter((each) => each.kind === 'application')}).toEqual({
        kind: 'activity',
        notes: [],
        others: [],
      })
    })
  })
})

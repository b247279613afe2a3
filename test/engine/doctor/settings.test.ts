import {randomBytes} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {statement} from '../../../src/db/sql.js'
import {askDoctor, expectLaw, followFix} from '../../helpers/doctor.js'
import {forEachEngine, type TestDatabase} from '../../helpers/engines.js'
import {applicationName, targetOf} from '../../helpers/server.js'

const partitioned = `
  create table events (at timestamptz not null) partition by range (at);
  create table events_2026_01 partition of events for values from ('2026-01-01') to ('2026-02-01')`

/** The SQL after the last colon of an advice. */
const sqlOf = (text: string) => text.slice(text.lastIndexOf(': ') + 2)

async function untilGone({run}: TestDatabase, application: string): Promise<void> {
  for (;;) {
    const rows = await run(
      `select 1 from pg_stat_activity where application_name = '${application}' and datname = current_database()`,
    )
    if (rows.length === 0) return
  }
}

forEachEngine({kinds: ['postgres'], native: true}, (engine) => {
  describe('doctor, settings', () => {
    it('finds a daemon that is connected as a superuser', async () => {
      const database = await engine.database()
      let daemon: Awaited<ReturnType<typeof connect>>
      const [found] = await expectLaw(
        database,
        'settings.superuser_daemon',
        async () => {
          daemon = await connect(database.target, {applicationName: 'qicore-db/daemon'})
        },
        {
          follow: async () => {
            await daemon.close()
            await untilGone(database, 'qicore-db/daemon')
          },
        },
      )
      expect(found!.data).toMatchObject({role: database.db.server.role, sessions: 1})
    })

    it('finds row level security that hides rows from this role, and ignores policies that hide none', async () => {
      const database = await engine.database()
      await database.autocommit(partitioned)
      const role = `qicore_doctor_${randomBytes(4).toString('hex')}`
      await database.autocommit(`create role ${role} login`)
      await database.autocommit(`grant select on events to ${role}`)
      const url = new URL(database.url)
      url.username = role
      const db = await connect(targetOf(url.href), {applicationName})
      try {
        expect((await askDoctor({db}, 'settings.row_security')).status).toBe('passed')
        await database.autocommit('alter table events enable row level security')
        expect((await askDoctor(database, 'settings.row_security')).status).toBe('passed')
        const {findings} = await askDoctor({db}, 'settings.row_security')
        expect(findings).toMatchObject([{object: {schema: 'public', table: 'events'}}])
        await followFix(database, findings[0]!.fix)
        expect((await askDoctor({db}, 'settings.row_security')).status).toBe('passed')
      } finally {
        await db.close()
        await database.autocommit(`drop owned by ${role}`)
        await database.autocommit(`drop role ${role}`)
      }
    })

    it('finds an event trigger that fires at drops', async () => {
      const database = await engine.database()
      const [found] = await expectLaw(
        database,
        'settings.event_triggers',
        async () => {
          await database.autocommit(
            "create function forbid() returns event_trigger language plpgsql as 'begin raise exception ''no''; end'",
          )
          await database.autocommit(
            "create event trigger no_drops on sql_drop when tag in ('DROP TABLE') execute function forbid()",
          )
        },
        {follow: ([fix]) => database.autocommit(sqlOf(fix!.text))},
      )
      expect(found!.message).toContain('no_drops calls public.forbid at sql_drop of DROP TABLE')
    })

    it('says how to enable pg_stat_statements, as far as this server allows', async () => {
      const database = await engine.database()
      const {status, findings} = await askDoctor(database, 'settings.pg_stat_statements')
      const [row] = await database.db.query<{loaded: boolean}>(
        statement("select current_setting('shared_preload_libraries') like '%pg_stat_statements%' as loaded"),
      )
      expect(status).toBe('warning')
      if (row!.loaded) {
        await followFix(database, findings[0]!.fix)
        await database.db.probe()
        expect((await askDoctor(database, 'settings.pg_stat_statements')).status).toBe('passed')
      } else
        expect(findings[0]!.fix).toMatchObject({kind: 'advice', text: expect.stringContaining('restart the server')})
    })
  })
})

import {setTimeout} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {connect} from '../../../src/db/connect.js'
import {readOnlySettings} from '../../../src/db/database.js'
import {ident, raw, sql, statement} from '../../../src/db/sql.js'
import {planEnsure} from '../../../src/partitions/create/ensure.js'
import {readPartitions} from '../../../src/partitions/list.js'
import {execute} from '../../../src/run/execute.js'
import {readStats} from '../../../src/reports/stats.js'
import {forEachEngine} from '../../helpers/engines.js'
import {request} from '../../helpers/catalog-time-series.js'
import {ruleOf} from '../../helpers/partitions.js'
import {insertStep, planOf, quick, workTable} from '../../helpers/run-steps.js'
import {applicationName, targetOf} from '../../helpers/server.js'

/**
 * Defaults of a database that change what a statement means, or the text of its result. Not the time zone: TimescaleDB's
 * policies read dates in it, so the reports do.
 */
const odd = {
  quote_all_identifiers: 'on',
  array_nulls: 'off',
  extra_float_digits: '-3',
  datestyle: 'German, DMY',
  intervalstyle: 'iso_8601',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  search_path: 'pg_temp',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  lock_timeout: '1ms',
  transform_null_equals: 'on',
}

forEachEngine({kinds: ['postgres', 'timescaledb'], native: true}, (engine) => {
  it('answers the same, and plans the same, whatever the settings of the database are', async () => {
    const database = await engine.database()
    await database.run(`create table days (day date not null, "order" float8) partition by range (day);
      create table days_1 partition of days for values from ('2024-01-01') to ('2024-02-01');
      create table instants (time timestamptz not null) partition by range (time);
      create table instants_1 partition of instants for values from ('2024-01-01+00') to ('2024-02-01+00');
      insert into days values ('2024-01-03', 0.1); insert into instants values ('2024-01-03 12:00+00')`)
    const rules = [ruleOf('public.days'), ruleOf('public.instants', {timezone: 'Asia/Kolkata'})]
    const answers = async () => {
      const db = await connect(targetOf(database.url), {applicationName})
      try {
        const stats = await readStats(db, request)
        const sets = (await readPartitions(db, rules, null)).tables
        const {plan, findings} = await planEnsure(db, rules)
        const ends = stats.tables.map(({table, oldest, newest, chunks}) => ({table, oldest, newest, chunks}))
        return {ends, sets, steps: plan.steps.map(({id, statements}) => ({id, statements})), findings}
      } finally {
        await db.close()
      }
    }
    const before = await answers()
    expect(before.ends.map(({newest}) => newest)).toEqual(['2024-01-03T00:00:00Z', '2024-01-03T12:00:00Z'])
    expect(before.steps.length).toBeGreaterThan(0)
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    for (const [setting, value] of Object.entries(odd))
      await database.autocommit(sql`alter database ${ident(name)} set ${raw(setting)} = ${raw(`'${value}'`)}`.text)
    expect(await answers()).toEqual(before)
  })

  it('a step may take longer than the timeouts of the database allow a statement and a transaction', async () => {
    const database = await engine.database()
    await database.run(workTable)
    const {name, version} = (
      await database.run<{name: string; version: number}>(
        "select current_database() as name, current_setting('server_version_num')::int as version",
      )
    )[0]!
    const timeouts = ['statement_timeout', ...(version >= 17_00_00 ? ['transaction_timeout'] : [])]
    for (const setting of timeouts)
      await database.autocommit(sql`alter database ${ident(name)} set ${raw(setting)} = '200ms'`.text)
    const db = await connect(targetOf(database.url), {applicationName})
    const long = insertStep('long', {statements: [statement('select pg_sleep(0.5)'), ...insertStep('long').statements]})
    for (const step of [long, {...long, id: 'alone', transaction: 'none' as const, doneCheck: null}]) {
      const {steps} = await execute(db, planOf(step), {limits: quick, ledger: null})
      expect(steps).toMatchObject([{id: step.id, status: step === long ? 'done' : 'failed'}])
      expect(steps[0]!.sqlState).toBe(step === long ? null : '23505')
    }
    await db.close()
  })

  it('a session stays open between its transactions, also after a statement outside of one', async () => {
    const database = await engine.database()
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    await database.autocommit(sql`alter database ${ident(name)} set idle_session_timeout = '100ms'`.text)
    const db = await connect(targetOf(database.url), {applicationName})
    const pid = async () => (await db.query<{pid: number}>(statement('select pg_backend_pid() as pid')))[0]!.pid
    const first = await pid()
    await setTimeout(300)
    expect(await pid()).toBe(first)
    await db.autocommit({...readOnlySettings, readOnly: false}, statement('select 1'))
    await setTimeout(300)
    expect(await pid()).toBe(first)
    const other = await db.openSession()
    await setTimeout(300)
    await expect(other.query(statement('select 1 as one'))).resolves.toEqual([{one: 1}])
    await Promise.all([other.close(), db.close()])
  })

  it('a COMMIT of the user is noticed although the database hides warnings', async () => {
    const database = await engine.database()
    const [{name}] = (await database.run<{name: string}>('select current_database() as name')) as [{name: string}]
    await database.autocommit(sql`alter database ${ident(name)} set client_min_messages = error`.text)
    const db = await connect(targetOf(database.url), {applicationName})
    const ends = db.transaction({...readOnlySettings, readOnly: false}, async (tx) => {
      await tx.query(statement('commit'))
      await tx.query(statement('select 1'))
    })
    await expect(ends).rejects.toThrow(/ended the transaction before its commit/)
    await db.close()
  })
})

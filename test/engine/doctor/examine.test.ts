import {expect, it} from 'vitest'
import type {Check} from '../../../src/doctor/check.js'
import {NotKnown, type Finding} from '../../../src/doctor/finding.js'
import {examine} from '../../../src/doctor/examine.js'
import {sql} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'

const request = {declared: [], lateAfter: 3_600_000, timeUnits: new Map()}
const finding = (severity: Finding['severity'], message: string): Finding => ({
  severity,
  object: null,
  message,
  data: {},
  fix: {kind: 'advice', text: 'Do it.'},
})
const check = (id: Check['id'], run: Check['run']): Check => ({
  id,
  passes: 'All is well.',
  problem: 'trouble',
  about: 'database',
  run,
})

forEachEngine({}, (engine) => {
  it('lists the worst check first, and within a check the worst finding', async () => {
    const {db} = await engine.database()
    const report = await examine(db, request, [
      check('chunks.well', async () => []),
      check('chunks.warned', async () => [finding('warning', 'Slow.')]),
      check('chunks.broken', async () => [finding('warning', 'Slow.'), finding('critical', 'Lost.')]),
    ])
    expect(report.checks.map(({id, status}) => [id, status])).toEqual([
      ['chunks.broken', 'critical'],
      ['chunks.warned', 'warning'],
      ['chunks.well', 'passed'],
    ])
    expect(report.checks[0]!.findings.map(({severity}) => severity)).toEqual(['critical', 'warning'])
    expect(report.counts).toEqual({critical: 1, warning: 1, unknown: 0, passed: 1})
  })

  it("reports a failed check as one UNKNOWN with the server's message, and runs the others", async () => {
    const {db} = await engine.database()
    const report = await examine(db, request, [
      check('chunks.fails', async (context) => {
        await context.db.query(sql`select 1 / 0`)
        return []
      }),
      check('chunks.lacks', async () => {
        throw new NotKnown('The role may not see it.', {kind: 'sql', text: 'grant pg_monitor to reporter'})
      }),
      check('chunks.well', async (context) => {
        const [row] = await context.db.query<{one: number}>(sql`select 1 as one`)
        return row!.one === 1 ? [] : [finding('warning', 'No.')]
      }),
    ])
    expect(report.counts).toEqual({critical: 0, warning: 0, unknown: 2, passed: 1})
    expect(report.checks[0]!.missing).toContain('[22012]')
    expect(report.checks[1]).toMatchObject({
      missing: 'The role may not see it.',
      missingFix: {kind: 'sql', text: 'grant pg_monitor to reporter'},
    })
  })

  it('refuses the name of a table that does not exist, whatever the checks need', async () => {
    const {db} = await engine.database()
    const tables = {...check('chunks.well', async () => []), about: 'tables' as const}
    await expect(examine(db, {...request, table: 'gone'}, [tables])).rejects.toMatchObject({
      code: 'NO_SUCH_TABLE',
      exitCode: 2,
    })
  })

  it('with a table runs only the checks about tables', async () => {
    const {db, run} = await engine.database()
    await run('create table events (at timestamptz not null) partition by range (at)')
    await run("create table events_2024_01 partition of events for values from ('2024-01-01') to ('2024-02-01')")
    const report = await examine(db, {...request, table: 'events'}, [
      check('settings.server', async () => [finding('warning', 'No.')]),
      {
        ...check('chunks.seen', async (context) => {
          const {tables} = await context.snapshot()
          return tables.map(({name}) => finding('warning', name))
        }),
        about: 'tables',
      },
    ])
    expect(report.checks.map(({id}) => id)).toEqual(['chunks.seen'])
    expect(report.checks[0]!.findings.map(({message}) => message)).toEqual(['events'])
  })
})

import {rmSync} from 'node:fs'
import {expect, it} from 'vitest'
import {sql} from '../../../src/db/sql.js'
import type {Database} from '../../../src/db/database.js'
import type {ExportSettings} from '../../../src/export/settings.js'
import {exportStep, exportStepId, readExported, requireExported} from '../../../src/export/steps.js'
import {execute} from '../../../src/run/execute.js'
import type {Plan, Step} from '../../../src/run/step.js'
import {forEachEngine} from '../../helpers/engines.js'
import {temporaryDirectory} from '../../helpers/files.js'
import {quick} from '../../helpers/run-steps.js'

const subject = {relation: 'public.t', from: null, to: null}
const fill = `create table t (id int, name text); insert into t select g, repeat('n', g % 50) from generate_series(1, 500) g`

function dropStep(settings: ExportSettings): Step {
  return {
    id: 'drop public.t',
    kind: 'drop',
    object: 'public.t',
    work: requireExported([subject], settings),
    statements: [sql`drop table public.t`],
    lock: 'ACCESS EXCLUSIVE',
    class: 'loss',
    transaction: 'own',
    doneCheck: sql`select to_regclass('public.t') is null as done`,
    repeatable: true,
    dependsOn: [exportStepId(subject)],
    relations: ['public.t'],
    bytes: null,
  }
}

const planOf = (...steps: Step[]): Plan => ({
  operation: 'test',
  summary: 'export and drop t',
  cutoff: null,
  tables: [],
  locks: [],
  steps,
})

const run = (db: Database, ...steps: Step[]) => execute(db, planOf(...steps), {limits: quick, ledger: null})

forEachEngine({}, (engine) => {
  it('an export and the drop that needs it run in one plan, and both are done', async () => {
    const {db, run: fillWith} = await engine.database()
    await fillWith(fill)
    const settings: ExportSettings = {to: temporaryDirectory(), format: 'parquet'}
    const {steps} = await run(db, exportStep({...subject, settings, bytes: null, dependsOn: []}), dropStep(settings))
    expect(steps.map(({status, error}) => [status, error])).toEqual([
      ['done', null],
      ['done', null],
    ])
    expect(steps[0]).toMatchObject({note: expect.stringContaining('500 rows')})
  })

  for (const [change, text] of [
    ['an insert', `insert into t values (501, 'new')`],
    ['an update', `update t set name = 'other' where id = 7`],
    ['a delete', 'delete from t where id = 7'],
    ['a rewrite without a change', 'alter table t alter id type bigint using id'],
  ] as const)
    it(`after ${change} nothing is dropped, and the next run exports again`, async () => {
      const {db, run: fillWith} = await engine.database()
      await fillWith(fill)
      const settings: ExportSettings = {to: temporaryDirectory(), format: 'csv'}
      const exported = exportStep({...subject, settings, bytes: null, dependsOn: []})
      await run(db, exported)
      expect(await readExported(db, settings, [subject])).toEqual(new Set([subject]))
      await fillWith(text)
      expect(await readExported(db, settings, [subject])).toEqual(new Set())
      const {steps} = await run(db, {...dropStep(settings), dependsOn: []})
      expect(steps[0]).toMatchObject({status: 'failed', error: expect.stringContaining('has changed since its export')})
      const next = await run(db, exported, dropStep(settings))
      expect(next.steps.map(({status}) => status)).toEqual(['done', 'done'])
    })

  it('without a verified export, or with its file gone, nothing is dropped', async () => {
    const {db, run: fillWith} = await engine.database()
    await fillWith(fill)
    const settings: ExportSettings = {to: temporaryDirectory(), format: 'csv'}
    const refused = async () => {
      const {steps} = await run(db, {...dropStep(settings), dependsOn: []})
      expect(steps[0]).toMatchObject({status: 'failed', error: expect.stringContaining('no verified export')})
    }
    await refused()
    const {steps} = await run(db, exportStep({...subject, settings, bytes: null, dependsOn: []}))
    const [, file] = /in (\/\S+\.csv)/.exec(steps[0]!.note!)!
    rmSync(file!)
    await refused()
  })
})

import fc from 'fast-check'
import {expect, it} from 'vitest'
import type {Database} from '../../../src/db/database.js'
import {ident, sql, statement, type Statement} from '../../../src/db/sql.js'
import {preview} from '../../../src/run/execute.js'
import type {Step} from '../../../src/run/step.js'
import {forEachEngine} from '../../helpers/engines.js'

const stepOf = (doneCheck: Statement | null, index: number): Step => ({
  id: `step ${index}`,
  kind: 'test',
  object: `object ${index}`,
  statements: [sql`select 1`],
  lock: 'NONE',
  class: 'safe',
  transaction: 'own',
  doneCheck,
  repeatable: true,
  dependsOn: [],
  relations: [],
  bytes: null,
})

forEachEngine({native: true, kinds: ['postgres']}, (engine) => {
  const statusesOf = async (db: Database, checks: readonly (Statement | null)[]) => {
    const plan = {operation: 'test', summary: 'test', cutoff: null, tables: [], locks: [], steps: checks.map(stepOf)}
    return (await preview(db, plan)).steps.map(({status}) => status)
  }

  it('a preview finds the steps that are done, whatever mixture of checks they have', async () => {
    const {db, run} = await engine.database()
    await run('create table "it\'s $1" (x int); create table plain (x int)')
    const check = fc.oneof(
      fc.constantFrom('public."it\'s $1"', 'public.plain', 'public.absent', '"$1"').map((name) => ({
        check: statement('-- $1 the name\nselect coalesce(to_regclass($1) is not null, false) as done', [name]),
        done: ['public."it\'s $1"', 'public.plain'].includes(name),
      })),
      // The parameter is a number on the server, so it cannot be a column of text.
      fc.integer({min: 0, max: 9}).map((n) => ({check: statement('select $1 > 4 as done', [String(n)]), done: n > 4})),
      fc.integer({min: 0, max: 9}).map((n) => ({check: statement('select $1::int > 4 as done', [n]), done: n > 4})),
      fc.boolean().map((value) => ({check: sql`select ${value}::boolean as done`, done: value})),
      fc
        .tuple(fc.string(), fc.string())
        .map(([a, b]) => [a.replaceAll('\0', ''), b.replaceAll('\0', '')] as const)
        .map(([a, b]) => ({check: statement('select $2::text = $1 as done', [a, b]), done: a === b})),
      fc.constant({check: sql`select ${['a', 'b']}::text[] = array['a', 'b'] as done`, done: true}),
      fc.constant({check: sql`select true as done from ${ident('pg_class')} where false`, done: false}),
      fc.constant({check: null, done: false}),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(check, {maxLength: 40}), async (wanted) => {
        expect(
          await statusesOf(
            db,
            wanted.map((each) => each.check),
          ),
        ).toEqual(wanted.map(({done}) => (done ? 'skipped' : 'planned')))
      }),
      {numRuns: 40},
    )
  }, 120_000)

  it('asks about thousands of objects in one query, and reports the error of the one check that fails', async () => {
    const {db, run} = await engine.database()
    await run('create table kept (x int)')
    const asked: string[] = []
    const counting = {
      ...db,
      server: db.server,
      query: (each: Statement) => {
        asked.push(each.text)
        return db.query(each)
      },
    } as unknown as typeof db
    const names = Array.from({length: 3_000}, (_, n) => (n % 1_000 === 7 ? 'public.kept' : `public.gone_${n}`))
    const exists = (name: string) => statement('select to_regclass($1) is not null as done', [name])
    const plan = {operation: 'test', summary: 'test', cutoff: null, tables: [], locks: []}
    const {steps} = await preview(counting, {...plan, steps: names.map(exists).map(stepOf)})
    expect(steps.flatMap(({status}, n) => (status === 'skipped' ? [n] : []))).toEqual([7, 1_007, 2_007])
    expect(asked).toHaveLength(1)
    const broken = [...names.slice(0, 9), 'too.many.dots.here'].map(exists).map(stepOf)
    await expect(preview(db, {...plan, steps: broken})).rejects.toThrow('too.many.dots.here')
  })
})

import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {parse} from 'libpg-query'
import {describe, expect, it} from 'vitest'
import {statement} from '../../src/db/sql.js'
import {forEachEngine} from '../helpers/engines.js'
import {isFor, sqlFiles} from '../helpers/sql-files.js'
import {replay} from '../helpers/schema-replay.js'

const files = sqlFiles()

/** The parameters in a text, in order. */
const parametersOf = (text: string) =>
  [...new Set([...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))].sort((a, b) => a - b)

describe.each(files.map((file) => [`sql/${file.name}.sql`, file] as const))('%s', (_, file) => {
  const body = file.text.slice(/^(?:--.*\n)+/.exec(file.text)?.[0].length ?? 0)

  it('has a header that says what it returns, its parameters and the TimescaleDB that it needs', () => {
    expect(file.header.trim(), 'header').not.toBe('')
    // A routine is part of a migration, and the migration is for one engine or another.
    if (!file.name.startsWith('routines/'))
      expect(
        file.saysTimescaledb,
        'the header says "TimescaleDB: not needed", "TimescaleDB: 2.15" or "TimescaleDB: 2.15 to 2.28"',
      ).toBe(true)
    // Inside of $$…$$ a routine has parameters of its own.
    const used = parametersOf(body.replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, ''))
    expect(parametersOf(file.header), 'every $n of the statement is explained, and no other').toEqual(used)
    expect(used, 'no number is left out').toEqual(used.map((_, index) => index + 1))
  })

  it('is exactly one statement', async () => {
    const {stmts} = await parse(file.text)
    expect(stmts).toHaveLength(1)
  })
})

/** Catalogs and the tables of qicore: Citus distributes none of them. `locked` is a CTE of is-over.sql. */
const neverDistributed =
  /^(pg_|information_schema\.|timescaledb_information\.|_timescaledb_|qicore\.|unnest\(|get_rebalance_progress\(|\(|locked\))/

it('no empty select list reads a table of the user: Citus refuses it on a distributed table', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url))
  const code = readdirSync(source, {recursive: true, encoding: 'utf8'}).filter(
    (path) => path.endsWith('.ts') && !path.startsWith('generated/'),
  )
  const texts = [
    ...files.map(({name, text}) => ({name: `sql/${name}.sql`, text})),
    ...code.map((path) => ({name: `src/${path}`, text: readFileSync(`${source}${path}`, 'utf8')})),
  ]
  const empty = texts.flatMap(({name, text}) =>
    [...text.matchAll(/\bselect\s+from\s+([^\s`]+)/gi)].map(([, table]) => ({name, table: table!})),
  )
  expect(empty.length).toBeGreaterThan(0)
  expect(empty.filter(({table}) => !neverDistributed.test(table))).toEqual([])
})

const adoptionState = files.find(({name}) => name === 'adopt/create-state')!

forEachEngine({}, (engine) => {
  it('every file can be prepared or run on an engine that it is for', async () => {
    const database = await engine.database()
    // The ledger's statements and the routines need what the migrations create.
    await replay(database)
    const {db} = database
    const failures: string[] = []
    let tried = 0
    for (const file of files.filter((candidate) => isFor(candidate, db.server))) {
      const [first] = (await parse(file.text)).stmts as {stmt: Record<string, unknown>}[]
      const prepares = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].some(
        (kind) => kind in first!.stmt,
      )
      tried += 1
      await db
        .transaction({readOnly: false, lockTimeout: 1_000, statementTimeout: 10_000}, async (tx) => {
          // Objects of an adoption are created in its schema, functions beside its state and its log of changed keys.
          if (file.name.startsWith('adopt/') && !prepares)
            await tx.query(statement('create schema adoption; set local search_path = adoption, pg_catalog'))
          if (file.name.startsWith('adopt/') && !prepares && file !== adoptionState) {
            await tx.query(statement(adoptionState.text))
            await tx.query(statement('create table changes (k1 int, truncated boolean not null)'))
          }
          await tx.query(
            statement(
              prepares
                ? `prepare tried as ${file.text}`
                : file.text.replace(/^create (function|procedure|view)/m, 'create or replace $1'),
            ),
          )
          if (prepares) await tx.query(statement('deallocate tried'))
          throw new Undo()
        })
        .catch((error: unknown) => {
          if (!(error instanceof Undo)) failures.push(`${file.name}: ${String(error)}`)
        })
    }
    expect(failures).toEqual([])
    expect(tried).toBeGreaterThan(0)
  })
})

/** Thrown to roll back. */
class Undo extends Error {}

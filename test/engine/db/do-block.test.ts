import fc from 'fast-check'
import {parse} from 'libpg-query'
import {describe, expect, it} from 'vitest'
import {doBlock, ident, inline, lineComment, literal, quoteLiteral, raw, sql, statement} from '../../../src/db/sql.js'
import {forEachEngine} from '../../helpers/engines.js'
import {attacks, nastyName} from '../../helpers/nasty-names.js'

interface DoStatement {
  DoStmt: {args: {DefElem: {arg: {String: {sval: string}}}}[]}
}

/** The statements of a text according to PostgreSQL's parser. */
async function statementsOf(text: string): Promise<object[]> {
  return ((await parse(text)).stmts ?? []).map(({stmt}) => stmt ?? {})
}

async function bodyOf(text: string): Promise<string> {
  const [first, ...more] = await statementsOf(text)
  expect(more).toEqual([])
  return (first as unknown as DoStatement).DoStmt.args[0]!.DefElem.arg.String.sval
}

const blockOf = (name: string) => doBlock`
begin
  raise notice '%', ${name}::text;
  perform from ${ident(name)} where x = ${literal(name)} and y = (${sql`select ${name}::text || ${ident(name)}`});
end`

describe('a DO block', () => {
  it.each(attacks)('is a single statement with %j in its body', async (name) => {
    expect(await bodyOf(blockOf(name).text)).toContain(quoteLiteral(name))
  })

  it('is a single statement whatever names and constants it contains, and its body is unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(nastyName(), async (name) => {
        const constant = quoteLiteral(name)
        expect(await bodyOf(blockOf(name).text)).toBe(`
begin
  raise notice '%', ${constant}::text;
  perform from ${ident(name).text} where x = ${constant} and y = (select ${constant}::text || ${ident(name).text});
end
`)
      }),
    )
  })
})

describe('a statement within another one', () => {
  it('keeps its parameters, renumbered', () => {
    const inner = sql`x = ${'a'} and y = ${2}`
    expect(sql`select ${1} where ${inner} or (${inner}) limit ${3}`).toEqual({
      text: 'select $1 where x = $2 and y = $3 or (x = $4 and y = $5) limit $6',
      values: [1, 'a', 2, 'a', 2, 3],
    })
  })

  it('keeps text that only looks like a parameter: in constants, names, dollar quotes, comments and names with a dollar', () => {
    const inner = statement(`select $1, '$1', E'\\'$1', "$1", $q$ $1 $q$, $$ $1 $$, a$1 /* $1 */ -- $1\n, $2, $1`, [
      'x',
      'y',
    ])
    expect(sql`select ${0}, (${inner})`.text).toBe(
      `select $1, (select $2, '$1', E'\\'$1', "$1", $q$ $1 $q$, $$ $1 $$, a$1 /* $1 */ -- $1\n, $3, $2)`,
    )
  })
})

describe('a comment line', () => {
  it('contains no statement, whatever its text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(nastyName(), fc.constantFrom(...attacks)), async (name) => {
        const all = await statementsOf(`${lineComment(name)}\nselect 1`)
        expect(all).toHaveLength(1)
      }),
    )
  })
})

forEachEngine({}, (engine) => {
  it('a DO block prints a name unchanged', async () => {
    const {db} = await engine.database()
    await fc.assert(
      fc.asyncProperty(fc.oneof(nastyName(), fc.constantFrom(...attacks)), async (name) => {
        const rows = await db.transaction({readOnly: true, lockTimeout: 0, statementTimeout: 0}, async (tx) => {
          await tx.query(doBlock`
begin
  perform set_config('qicore.said', encode(convert_to(${name}, 'UTF8'), 'hex'), true);
end`)
          return tx.query<{said: string}>(statement("select current_setting('qicore.said') as said"))
        })
        expect(Buffer.from(rows[0]!.said, 'hex').toString()).toBe(name)
      }),
      {numRuns: 60},
    )
  })

  it('a nested statement returns the same as its text with constants', async () => {
    const {db} = await engine.database()
    await fc.assert(
      fc.asyncProperty(nastyName(), nastyName(), async (one, two) => {
        const nested = sql`select ${one}::text as one, (${sql`select ${two}::text || ${raw(`'$1'`)}`}) as both, ${2}::int as two`
        const [bound] = await db.query(nested)
        expect(bound).toEqual({one, both: `${two}$1`, two: 2})
        expect(await db.query(statement(inline(nested)))).toEqual([bound])
      }),
      {numRuns: 40},
    )
  })
})

import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {sumOf} from '../../../../src/schema/migrate/effect.js'
import {parseMigration, type ParsedStatement} from '../../../../src/schema/migrate/parse.js'

const pieces = fc.constantFrom(
  'select 1',
  'select \'a;b -- no comment\', "c;d" from (values (1)) "c;d"(x)',
  'do $do$ begin perform 1; perform 2; end $do$',
  "create function f() returns text language sql as $$ select ';' $$",
  'create function g() returns int language sql begin atomic select 1; select 2; end',
  "insert into t values (E'\\';', 'é😀;')",
)
const spaces = fc.constantFrom('\n', '\n\n', ' -- a; comment\n', ' /* one; /* two; */ ü */ ', '\n-- 😀;\n\t')

describe('a migration file', () => {
  it('is split into statements, each with the line on which it begins', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(spaces, pieces), {minLength: 1, maxLength: 8}),
        fc.boolean(),
        async (parts, closed) => {
          const text = `${parts.map(([space, piece]) => `${space}${piece}`).join(';')}${closed ? ';' : ''}\n-- the end`
          const found = await parseMigration(text, 'x.sql')
          expect(found.map((statement) => statement.text.replace(/\s*-- the end$/, ''))).toEqual(
            parts.map(([, piece]) => piece),
          )
          let from = 0
          for (const [index, [, piece]] of parts.entries()) {
            const start = text.indexOf(piece, from)
            from = start + piece.length
            expect(found[index]!.line).toBe(text.slice(0, start).split('\n').length)
          }
        },
      ),
    )
  })

  it('with a syntax error is refused with file, line and the message of the parser', async () => {
    await expect(
      parseMigration("select 'é😀';\n\nselect 1;\nselect frm x y z;\n", 'm/0001_x.sql'),
    ).rejects.toMatchObject({
      code: 'MIGRATION_SYNTAX',
      exitCode: 2,
      message: expect.stringMatching(/^m\/0001_x\.sql:4: syntax error at or near "y"/),
    })
    await expect(parseMigration('\\i other.sql\n', 'x.sql')).rejects.toMatchObject({
      code: 'MIGRATION_SYNTAX',
      message: expect.stringMatching(/^x\.sql:1: /),
    })
  })

  it('shows which locks it takes on existing objects and what would be lost', async () => {
    const sum = async (text: string) => sumOf(await parseMigration(text, 'x.sql'))
    expect(
      await sum(
        'create table a.t (x int); create index i on a.t (x); insert into a.t values (1); create trigger g after insert on a.t execute function f()',
      ),
    ).toEqual({lock: 'NONE', relations: [], loses: false})
    expect(await sum('create index concurrently i on s.t (x)')).toMatchObject({
      lock: 'SHARE UPDATE EXCLUSIVE',
      relations: ['s.t'],
    })
    expect(await sum('create index i on t (x); update other set x = 1')).toMatchObject({
      lock: 'SHARE',
      relations: ['public.t', 'public.other'],
    })
    expect(await sum('alter table t add constraint c foreign key (x) references s.other (id)')).toEqual({
      lock: 'SHARE ROW EXCLUSIVE',
      relations: ['public.t', 's.other'],
      loses: false,
    })
    expect(await sum('alter table t add column y int')).toEqual({
      lock: 'ACCESS EXCLUSIVE',
      relations: ['public.t'],
      loses: false,
    })
    for (const text of [
      'alter table t drop column y',
      'drop table s."T"',
      'drop materialized view v',
      'drop schema s cascade',
      'truncate t',
    ])
      expect(await sum(text), text).toMatchObject({lock: 'ACCESS EXCLUSIVE', loses: true})
    expect(await sum('drop index i; drop function f(); delete from t')).toMatchObject({loses: false})
    expect(await sum('create table tmp (x int); drop table tmp')).toMatchObject({loses: false})
  })
  it('names the tables that become hypertables and the settings that are read, but not words in comments and strings', async () => {
    const [first, second, third] = await parseMigration(
      `select create_hypertable('s."T"'::regclass, by_range('time')); -- create_hypertable('other', 'time')
      select x.create_hypertable(relation => 't', time_column_name => 'time') where current_setting('a.b', true) = '';
      insert into t values ('select create_hypertable(''u'', ''time''), current_setting(''c.d'')')`,
      'f.sql',
    )
    expect(
      [first, second, third].map((each: ParsedStatement | undefined) => ({
        hypertables: each?.hypertables,
        settings: each?.settings,
      })),
    ).toEqual([
      {hypertables: ['s."T"'], settings: []},
      {hypertables: ['public.t'], settings: ['a.b']},
      {hypertables: [], settings: []},
    ])
  })
})

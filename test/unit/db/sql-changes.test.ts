import {describe, expect, it} from 'vitest'
import {changedTables} from '../../../src/db/sql-changes.js'

const t = [{schema: null, table: 't'}]

describe('the tables whose rows a statement of pg_stat_statements changes or locks', () => {
  it.each([
    ['insert into t values ($1, $2) on conflict (a) do update set b = excluded.b', t],
    ['INSERT INTO "S"."T x" VALUES ($1) ON CONFLICT DO NOTHING', [{schema: 'S', table: 'T x'}]],
    [
      'with w as (insert into s.a values ($1) on conflict do nothing returning 1) insert into b select * from w',
      [{schema: 's', table: 'a'}],
    ],
    ['update t set a = $1 from u where u.id = t.id', t],
    ['UPDATE ONLY s.t AS x SET a = $1', [{schema: 's', table: 't'}]],
    ['delete from t using u where u.id = t.id', t],
    ['with gone as (delete from t where a < $1 returning *) insert into archive select * from gone', t],
    ['merge into t using u on t.id = u.id when matched then do nothing', t],
    ['select * from t where a = $1 for update', t],
    ['select * from t x join u y using (id) for no key update of x', t],
    ['select * from u where id in (select id from t order by a for share skip locked)', t],
    ['select * from t join u using (id) for key share', [...t, {schema: null, table: 'u'}]],
    ['select * from t', []],
    ['insert into t select * from u', []],
    ['truncate t', []],
    ["insert into t values ('on conflict, update, delete')", []],
    ['insert into t select 1 /* on conflict */', []],
    ['insert into t values ($1 on conflict', []],
  ])('%s', async (text, found) => {
    expect(await changedTables(text)).toEqual(found)
  })
})

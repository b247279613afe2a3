import {describe, expect, it} from 'vitest'
import {upsertsIn} from '../../../src/db/sql-upserts.js'

describe('the upserts of a statement as pg_stat_statements has it', () => {
  it.each([
    ['insert into t values ($1, $2) on conflict (a) do update set b = excluded.b', [{schema: null, table: 't'}]],
    ['INSERT INTO "S"."T x" VALUES ($1) ON CONFLICT DO NOTHING', [{schema: 'S', table: 'T x'}]],
    [
      'with w as (insert into s.a values ($1) on conflict do nothing returning 1) insert into b select * from w',
      [{schema: 's', table: 'a'}],
    ],
    ["insert into t values ('on conflict')", []],
    ['insert into t select 1 /* on conflict */', []],
    ['update t set a = $1', []],
    ['insert into t values ($1 on conflict', []],
  ])('%s', async (text, found) => {
    expect(await upsertsIn(text)).toEqual(found)
  })
})

import {expect} from 'vitest'
import {connect} from '../../src/db/connect.js'
import {statement} from '../../src/db/sql.js'
import {planInstall} from '../../src/schema/migrate/run.js'
import {execute} from '../../src/run/execute.js'
import type {AdoptRequest} from '../../src/adopt/request.js'
import type {TestDatabase} from './engines.js'
import {quick} from './partitions.js'
import {targetOf} from './server.js'

/** A table of two symbols, a row a minute from the beginning of 2026, and one with the same rows to compare it with. */
export const ticks = (rows: number) => `create table ticks (symbol text not null, time timestamptz not null,
  price numeric(20, 8) not null, note jsonb, constraint ticks_pkey primary key (symbol, time));
create index ticks_time_idx on ticks (time);
insert into ticks select case when g % 2 = 0 then 'a' else 'b' end, '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 minute', g % 10, jsonb_build_object('n', g)
from generate_series(1, ${rows}) g;
create table mirror (like ticks including all); insert into mirror select * from ticks`

export function adoptRequest(more: Partial<AdoptRequest> = {}): AdoptRequest {
  return {
    table: 'ticks',
    column: null,
    to: null,
    declared: null,
    periods: {every: 'month', zone: 'UTC', ahead: 1},
    earliest: '2009-01-03T00:00:00Z',
    within: {months: 12_000, days: 0, seconds: 0},
    ...more,
  }
}

/** Installs the schema qicore, which holds run locks. */
export async function installed({db}: TestDatabase): Promise<void> {
  await execute(db, await planInstall(db), {limits: quick, ledger: null})
  await db.probe()
}

/** Count and checksum of a table. */
export async function contents({run}: Pick<TestDatabase, 'run'>, table: string): Promise<unknown> {
  return (
    await run(
      `select count(*) as rows, sum(hashtextextended((t.symbol, t.time, t.price, t.note)::text, 0))::text as sum from ${table} t`,
    )
  )[0]
}

/** Whatever happens to the run: rows are neither lost nor doubled. */
export async function expectSameAsMirror(database: Pick<TestDatabase, 'run'>): Promise<void> {
  expect(await contents(database, 'ticks')).toEqual(await contents(database, 'mirror'))
}

const change = (moved: string) => `do $do$
declare
  n int := floor(random() * 1000000);
  symbol text := case when random() < 0.5 then 'a' else 'b' end;
  from_time timestamptz := '2026-01-01T00:00:00Z'::timestamptz + floor(random() * 200000) * interval '1 minute';
  to_time timestamptz := '2026-01-01T00:00:30Z'::timestamptz + floor(random() * 400000) * interval '1 minute';
  kind float := random();
  "table" text;
  taken bool;
begin
  foreach "table" in array array['ticks', 'mirror'] loop
    if kind < 0.5 then
      execute format('insert into public.%I values ($1, $2, $3, null) on conflict do nothing', "table") using symbol, to_time, n;
    elsif kind < 0.7 then
      execute format('update public.%I set price = $3 where symbol = $1 and time = $2', "table") using symbol, from_time, n;
    elsif kind < 0.8 then
      -- Not in one statement: with NOT EXISTS in it, TimescaleDB 2.22 fails for a time without a chunk (XX000).
      execute format('select exists (select 1 from public.%I where symbol = $1 and time = $2)', "table") into taken using symbol, ${moved};
      if not taken then
        execute format('update public.%I set time = $3 where symbol = $1 and time = $2', "table") using symbol, from_time, ${moved};
      end if;
    else
      execute format('delete from public.%I where symbol = $1 and time = $2', "table") using symbol, from_time;
    end if;
  end loop;
end $do$`

export interface Writer {
  /** Ends the writer; returns the number of committed transactions. */
  stop(): Promise<number>
}

/**
 * Inserts, updates, moves and deletes rows of `ticks` and `mirror` in the same transactions until it is stopped.
 * @param moved the time to which rows are moved: a hypertable refuses to move one into another chunk
 */
export async function startWriter(url: string, moved: 'anywhere' | 'within the minute' = 'anywhere'): Promise<Writer> {
  const db = await connect(targetOf(url), {applicationName: 'writer'})
  const settings = {readOnly: false, lockTimeout: 0, statementTimeout: 0, searchPath: 'public'}
  const text = change(moved === 'anywhere' ? 'to_time' : "from_time + interval '30 seconds'")
  let stopped = false
  const work = (async () => {
    let count = 0
    while (!stopped) {
      await db.transaction(settings, (tx) => tx.query(statement(text)))
      count += 1
    }
    return count
  })()
  return {
    async stop() {
      stopped = true
      try {
        return await work
      } finally {
        await db.close()
      }
    },
  }
}

-- Creates the function that brings one table up to date with the other, one batch of the log at a time: of the keys that
-- were recorded first it deletes the rows in `target` and copies those that `source` has now. Returns the number of
-- entries that it took. Applying a key twice, or a key whose change was already copied, is harmless. An entry is removed
-- in the transaction that applied it; a change that is committed later has its own entry.
-- A row that is copied may have a value of another unique key that an older row of the target still has, because its own
-- change is in a later batch: that row is deleted and recorded again, and its batch copies it as it is then.
-- Nested loops by index, because a new table has no statistics yet. No range of times beside the keys: the planner would
-- take it for a few rows, read it first, and compare each of its rows with each key of the batch. The costs of what is
-- switched off would start JIT compilation, which takes longer than the statements. TimescaleDB: not needed.
create function apply_changes(source regclass, target regclass, most bigint) returns bigint
language plpgsql
set search_path from current
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set row_security = off
set jit = off
as $$
declare
  at state;
  taken changes[];
  keys text;
  same text;
  joined text;
  stale text;
begin
  select * into at from state for update;
  select string_agg(format('k%s', n), ', ' order by n), string_agg(format('t.%I = k.k%s', c, n), ' and ' order by n)
  into keys, same from unnest(at.key_columns) with ordinality as u (c, n);
  for attempt in 1..20 loop
    begin
      -- By id: a TRUNCATE is recorded before the rows that are inserted after it, and so is a value that is given up
      -- before another row can take it.
      with gone as (
        delete from changes where id = any (array(select id from changes order by id limit most)) returning changes
      )
      select array_agg(changes) into taken from gone;
      if taken is null then
        return 0;
      end if;
      perform set_config('qicore.adopt_copying', 'on', true);
      if exists (select 1 from unnest(taken) k where k.truncated) then
        execute format('truncate %s', target);
      end if;
      joined := format('(select distinct %s from unnest($1) where not truncated) k', keys);
      execute format('delete from %s t using %s where %s', target, joined, same) using taken;
      for stale in select unique_conflicts(source, target) loop
        execute stale using taken;
      end loop;
      execute format('insert into %s (%s) overriding system value select %s from %s join %s t on %s',
        target, at.written, at.selected, joined, source, same) using taken;
      perform set_config('qicore.adopt_copying', 'off', true);
      return cardinality(taken);
    exception when unique_violation then
      -- A change was committed between the two statements. The next attempt sees it in both.
      if attempt = 20 then
        raise;
      end if;
    end;
  end loop;
end
$$

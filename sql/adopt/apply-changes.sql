-- Creates the function that brings one table up to date with the other: of every key in the log it deletes the rows in
-- `target` and copies those that `source` has now. Applying a key twice, or a key whose change was already copied, is
-- harmless. An entry is removed in the transaction that applied it; a change that is committed later has its own entry.
-- Nested loops by index, because the new partitions have no statistics yet. TimescaleDB: not needed.
create function apply_changes(source regclass, target regclass) returns bigint
language plpgsql
set search_path from current
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set row_security = off
as $$
declare
  at state;
  taken changes[];
  total bigint := 0;
  keys text;
  same text;
begin
  select * into at from state;
  perform set_config('qicore.adopt_copying', 'on', true);
  select string_agg(format('k%s', n), ', ' order by n), string_agg(format('t.%I = k.k%s', c, n), ' and ' order by n)
  into keys, same from unnest(at.key_columns) with ordinality as u (c, n);
  loop
    if exists (select 1 from changes where truncated) then
      execute format('truncate %s', target);
      delete from changes where truncated;
    end if;
    with gone as (
      delete from changes where ctid = any (array(select ctid from changes where not truncated limit 20000)) returning changes
    )
    select array_agg(changes) into taken from gone;
    exit when taken is null;
    execute format('delete from %s t using (select distinct %s from unnest($1)) k where %s', target, keys, same) using taken;
    execute format('insert into %s (%s) overriding system value select %s from (select distinct %s from unnest($1)) k join %s t on %s',
      target, at.written, at.selected, keys, source, same) using taken;
    total := total + cardinality(taken);
    exit when cardinality(taken) < 20000;
  end loop;
  perform set_config('qicore.adopt_copying', 'off', true);
  return total;
end
$$

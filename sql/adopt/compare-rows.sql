-- Creates the function that compares count and checksum of the rows of some periods that follow each other, as of one
-- snapshot. Rows whose change is still in the log are left out on both sides. Raises an error if they differ.
-- The log has no statistics: a nested loop would read it again for every row. TimescaleDB: not needed.
create function compare_rows(lowers text[], upper text) returns void
language plpgsql
set search_path from current
set row_security = off
set jit = off
set enable_nestloop = off
as $$
declare
  at state;
  same text;
  type text;
  side text;
  wrong record;
begin
  select * into at from state for update;
  if at.phase <> 'copying' or at.verified @> lowers then
    return;
  end if;
  perform note_partitions();
  -- A short log is left as it is: to apply it costs as much as to compare a small period.
  if (select count(*) from (select id from changes limit 5000) as l) = 5000 or exists (select 1 from changes where truncated) then
    perform apply_changes(at.source, at.shadow, 20000);
  end if;
  if exists (select 1 from changes where truncated) then
    raise exception using errcode = '55P03', message = format('%s was truncated while it was compared', at.source::regclass);
  end if;
  select string_agg(format('t.%I = k.k%s', c, n), ' and ' order by n) into same from unnest(at.key_columns) with ordinality as u (c, n);
  select format_type(atttypid, atttypmod) into type from pg_attribute where attrelid = at.source and attname = at."column";
  -- The bounds are constants, so that the planner leaves out the other partitions or chunks.
  side := format('select width_bucket(t.%1$I, $1::%2$s[]) as period, count(*) as rows,
      sum(hash_record_extended(row(%3$s), 0)) as sum
    from %%s t where t.%1$I >= %5$L and t.%1$I < %6$L and not exists (select 1 from changes k where %4$s) group by 1',
    at."column", type, at.hashed, same, lowers[1], upper);
  execute format('select $1[coalesce(a.period, b.period)] as period, coalesce(a.rows, 0) as source, coalesce(b.rows, 0) as copy
    from (%s) a full join (%s) b using (period)
    where a.rows is distinct from b.rows or a.sum is distinct from b.sum order by period limit 1',
    format(side, at.source::regclass), format(side, at.shadow::regclass)) into wrong using lowers;
  if wrong.period is not null then
    raise exception using errcode = '22000',
      message = format('the copy of the period from %s differs: %s rows in %s, %s in the copy%s', wrong.period, wrong.source,
        at.source::regclass, wrong.copy, case when wrong.source = wrong.copy then ', with other values' end),
      hint = 'Nothing was swapped. Remove the copy with --undo and begin again.';
  end if;
  update state set verified = array(select distinct unnest(verified || lowers) order by 1);
end
$$

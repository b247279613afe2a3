-- Creates the function that returns, for each unique key of `taker` besides the key of the rows, the statement that
-- deletes its rows whose value a row of `giver` now has, and records their keys. The parameter of such a statement is an
-- array of entries of the log. A key that contains the key of the rows needs none. TimescaleDB: not needed.
create function unique_conflicts(giver regclass, taker regclass) returns setof text
language sql
set search_path from current
as $$
  select format('with incoming as materialized (
      select %1$s from (select t.* from %2$s t join (select distinct %3$s from unnest($1) where not truncated) k on %4$s) as t %5$s
    ), gone as (
      delete from %6$s t using incoming where %7$s returning %8$s
    )
    insert into changes (%3$s) select * from gone',
    string_agg(format('(%s) as qicore_value_%s', e.text, e.n), ', ' order by e.n), giver, key.names, key.same,
    'where ' || predicate.text, taker,
    concat_ws(' and ', string_agg(format(case when i.indnullsnotdistinct then '(%s) is not distinct from qicore_value_%s'
      else '(%s) = qicore_value_%s' end, e.text, e.n), ' and ' order by e.n), predicate.text), key.own)
  from state at
  cross join lateral (
    select string_agg(format('k%s', n), ', ' order by n) as names, string_agg(format('t.%I = k.k%s', c, n), ' and ' order by n) as same,
      string_agg(format('t.%I', c), ', ' order by n) as own
    from unnest(at.key_columns) with ordinality as u (c, n)
  ) as key
  join pg_index i on i.indrelid = taker and i.indisunique
  cross join lateral (select pg_get_expr(i.indpred, i.indrelid) as text) as predicate
  cross join lateral (
    select n, pg_get_indexdef(i.indexrelid, n, false) as text from generate_series(1, i.indnkeyatts) as n
  ) as e
  where (at.key_columns <@ (
    select array_agg(a.attname::text) from pg_attribute a where a.attrelid = taker and a.attnum = any (i.indkey::int2[])
  )) is not true
  group by i.indexrelid, i.indnullsnotdistinct, predicate.text, key.names, key.same, key.own
$$

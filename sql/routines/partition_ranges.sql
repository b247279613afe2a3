-- The partitions of a table with their bounds, as text and as instants; without the default partition. `key` is that of
-- qicore.partition_key. Reads the catalog only: pg_get_expr with a relation would wait for a lock on it.
-- since: core.1.2.0
create or replace function qicore.partition_ranges(parent regclass, key text)
returns table (child oid, name text, pending boolean, low timestamptz, high timestamptz, low_text text, high_text text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
begin
  return query
  select c.oid, format('%I.%I', n.nspname, c.relname), i.inhdetachpending,
    qicore.partition_point(key, m.bound[1]), qicore.partition_point(key, m.bound[2]), m.bound[1], m.bound[2]
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') as m (bound)
  where i.inhparent = parent and m.bound is not null;
end
$$;

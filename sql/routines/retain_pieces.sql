-- Returns the ranges of a table, each with its chunks (one for each space partition) or its partition. `old`: the whole
-- range is before the cutoff. `newest`: no range begins later. Frozen chunks and those tiered to object storage must
-- not be changed and are left out; so is a partition whose bound is no time.
-- since: core.1.3.0
-- requires: retain_point
create or replace function qicore.retain_pieces(subject regclass, cutoff bigint)
returns table (low bigint, high bigint, label text, relations text[], old boolean, newest boolean)
language plpgsql
as $$
begin
  if exists (select from pg_partitioned_table where partrelid = subject) then
    return query
    with child as (
      select format('%I.%I', n.nspname, c.relname) as name,
        -- pg_get_expr with a relation would wait for a lock on it.
        regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') as bound,
        (select k.atttypid from pg_partitioned_table p join pg_attribute k on k.attrelid = p.partrelid and k.attnum = p.partattrs[0] where p.partrelid = subject) as type
      from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
      where i.inhparent = subject and not i.inhdetachpending
    ), ranged as (
      select name, bound, type,
        case when bound[1] = 'MINVALUE' then -9223372036854775808 else qicore.retain_point(type, bound[1]) end as low,
        case when bound[2] = 'MAXVALUE' then 9223372036854775807 else qicore.retain_point(type, bound[2]) end as high
      from child where bound is not null
    )
    -- A UUID or a ULID says nothing to a reader: its time does.
    select r.low, r.high, case when r.type in ('uuid'::regtype, 'text'::regtype, 'varchar'::regtype)
      then concat(case when r.bound[1] = 'MINVALUE' then 'MINVALUE' else (timestamptz '1970-01-01 00:00:00+00' + r.low * interval '1 microsecond')::text end, ' to ',
        case when r.bound[2] = 'MAXVALUE' then 'MAXVALUE' else (timestamptz '1970-01-01 00:00:00+00' + r.high * interval '1 microsecond')::text end)
      else r.bound[1] || ' to ' || r.bound[2] end, array[r.name], r.high <= cutoff, r.low = max(r.low) over ()
    from ranged r where r.low is not null and r.high is not null;
    return;
  end if;
  return query
  with source as (
    select h.id, h.schema_name, h.table_name
    from _timescaledb_catalog.hypertable h
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
  ), locked as (
    -- The catalog has the names of a chunk up to 2.28, and its relation from 2.29.
    select coalesce(c.as_json ->> 'relid', format('%I.%I', c.as_json ->> 'schema_name', c.as_json ->> 'table_name')) as name
    from source s
    cross join lateral (select to_jsonb(k) as as_json from _timescaledb_catalog.chunk k where k.hypertable_id = s.id and (k.status & 4 > 0 or k.osm_chunk)) c
  ), ranged as (
    select format('%I.%I', c.chunk_schema, c.chunk_name) as name,
      coalesce(c.range_start_integer, (extract(epoch from c.range_start) * 1000000)::bigint) as low,
      coalesce(c.range_end_integer, (extract(epoch from c.range_end) * 1000000)::bigint) as high,
      coalesce(c.range_start_integer::text, c.range_start::text) || ' to ' || coalesce(c.range_end_integer::text, c.range_end::text) as label
    from source s join timescaledb_information.chunks c on c.hypertable_schema = s.schema_name and c.hypertable_name = s.table_name
  )
  select r.low, r.high, min(r.label), array_agg(r.name order by r.name), r.high <= cutoff, r.low = max(r.low) over ()
  from ranged r
  where r.name not in (select l.name from locked l)
  group by r.low, r.high;
end
$$;

-- Hypertables and continuous aggregates of every schema, with time dimension and compression settings. An aggregate has
-- the name of its view and the hypertable with its materialized rows. One row a table.
-- Up to 2.28 compressed rows are in separate hypertables (compression_state 2), which are not listed.
-- now_is_safe: a superuser may call integer_now only if a superuser owns it; other roles may. Locks only the catalog.
-- TimescaleDB: 2.15
with dimension as (
  select distinct on (hypertable_id) * from _timescaledb_catalog.dimension order by hypertable_id, id
)
select
  h.id,
  coalesce(a.user_view_schema, h.schema_name) as schema,
  coalesce(a.user_view_name, h.table_name) as name,
  h.schema_name as storage_schema,
  h.table_name as storage_name,
  case when a.mat_hypertable_id is null then 'hypertable' else 'aggregate' end as kind,
  r.oid::int8 as relation,
  r.relowner::int8 as owner,
  d.column_name as time_column,
  case when d.partitioning_func is null then format_type(d.column_type, null) end as time_type,
  d.interval_length::text,
  d.integer_now_func_schema as now_schema,
  d.integer_now_func as now_name,
  not me.rolsuper or coalesce((
    select bool_and(o.oid = me.oid or o.rolsuper)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles o on o.oid = p.proowner
    where n.nspname = d.integer_now_func_schema and p.proname = d.integer_now_func and p.pronargs = 0
  ), false) as now_is_safe,
  a.raw_hypertable_id as source,
  w.watermark::text,
  b.bucket_width,
  not b.bucket_fixed_width as variable_buckets,
  h.compression_state = 1 or h.status & 4 = 4 as compression,
  s.segmentby as segment_by,
  s.orderby as order_by,
  s.orderby_desc as order_desc,
  s.orderby_nullsfirst as order_nulls_first
from _timescaledb_catalog.hypertable h
join pg_namespace n on n.nspname = h.schema_name
join pg_class r on r.relname = h.table_name and r.relnamespace = n.oid
join pg_roles me on me.rolname = current_user
left join dimension d on d.hypertable_id = h.id
left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
left join _timescaledb_catalog.continuous_aggs_watermark w on w.mat_hypertable_id = h.id
left join _timescaledb_catalog.continuous_aggs_bucket_function b on b.mat_hypertable_id = h.id
left join _timescaledb_catalog.compression_settings s on s.relid = r.oid
where h.compression_state <> 2

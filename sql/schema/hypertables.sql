-- The hypertables of some schemas: dimensions and compression settings. Continuous aggregates appear under their own
-- names.
-- $1 text[] of schema names. One row per hypertable. TimescaleDB: 2.15
select
  coalesce(a.view_schema, d.hypertable_schema) as schema,
  coalesce(a.view_name, d.hypertable_name) as name,
  d.dimensions,
  s.segmentby as "segmentBy",
  s.orderby as "orderBy",
  a.view_definition as query,
  a.materialized_only as "materializedOnly"
from (
  select hypertable_schema, hypertable_name, json_agg(json_build_object(
    'column', column_name,
    'kind', lower(dimension_type),
    'interval', coalesce(time_interval::text, integer_interval::text),
    'partitions', num_partitions
  ) order by dimension_number) as dimensions
  from timescaledb_information.dimensions
  group by hypertable_schema, hypertable_name
) d
left join timescaledb_information.continuous_aggregates a
  on a.materialization_hypertable_schema = d.hypertable_schema and a.materialization_hypertable_name = d.hypertable_name
left join timescaledb_information.hypertable_compression_settings s
  on s.hypertable = to_regclass(format('%I.%I', d.hypertable_schema, d.hypertable_name))
where coalesce(a.view_schema, d.hypertable_schema) = any ($1::text[])
order by 1, 2

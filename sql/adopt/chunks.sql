-- The chunks of a hypertable: where each begins, and its size in bytes.
-- $1 schema, $2 name. `start` is microseconds since 1970, or the integer of the time column, as text. Chunks that share
-- a range are one row. TimescaleDB: 2.15 or later.
select coalesce(c.range_start_integer, (extract(epoch from c.range_start) * 1000000)::int8)::text as start,
  coalesce(c.range_end_integer, (extract(epoch from c.range_end) * 1000000)::int8)::text as stop,
  c.range_start_integer is not null as integer,
  sum(coalesce(pg_relation_size(to_regclass(format('%I.%I', c.chunk_schema, c.chunk_name))), 0))::int8 as bytes
from timescaledb_information.chunks c
where c.hypertable_schema = $1 and c.hypertable_name = $2
group by 1, 2, 3
order by min(c.range_start), min(c.range_start_integer)

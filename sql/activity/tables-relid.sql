-- The table that each relation belongs to, as users name it: the hypertable of a chunk or compressed chunk, the view of
-- a materialization hypertable, the root of a partition tree.
-- $1 int8[] of oids. Locks nothing. TimescaleDB: 2.29
with recursive asked as (
  select o.oid::oid as oid from unnest($1::int8[]) as o (oid)
), part as (
  select s.compress_relid::oid as compressed, s.relid::oid as chunk
  from asked
  join _timescaledb_catalog.compression_settings s on s.compress_relid = asked.oid
), up as (
  select a.oid as asked, coalesce((select p.chunk from part p where p.compressed = a.oid), a.oid) as at from asked a
  union all
  select u.asked, i.inhparent from up u join pg_inherits i on i.inhrelid = u.at
)
select u.asked::int8 as relation, coalesce(g.user_view_schema, n.nspname) as schema, coalesce(g.user_view_name, c.relname) as table
from up u
join pg_class c on c.oid = u.at
join pg_namespace n on n.oid = c.relnamespace
left join _timescaledb_catalog.hypertable h on h.schema_name = n.nspname and h.table_name = c.relname
left join _timescaledb_catalog.continuous_agg g on g.mat_hypertable_id = h.id
where not exists (select from pg_inherits i where i.inhrelid = u.at)

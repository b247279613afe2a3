-- The table that each relation belongs to, as users name it: the hypertable of a chunk or compressed chunk, the view of
-- a materialization hypertable, the root of a partition tree.
-- $1 int8[] of oids. Locks nothing. TimescaleDB: 2.15 to 2.28
with recursive asked as (
  select o.oid::oid as oid from unnest($1::int8[]) as o (oid)
), part as (
  select cc.oid as compressed, pc.oid as chunk
  from asked
  join pg_class cc on cc.oid = asked.oid
  join pg_namespace cn on cn.oid = cc.relnamespace
  join _timescaledb_catalog.chunk k on k.schema_name = cn.nspname and k.table_name = cc.relname
  join _timescaledb_catalog.chunk o on o.compressed_chunk_id = k.id
  join pg_namespace pn on pn.nspname = o.schema_name
  join pg_class pc on pc.relnamespace = pn.oid and pc.relname = o.table_name
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

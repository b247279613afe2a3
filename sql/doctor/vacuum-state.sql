-- Rows, dead rows and the ages of the oldest transactions of tables, added up over their chunks and partitions.
-- $1 oid[] of relations that hold rows, $2 oid[] of the table that each belongs to, $3 whether tables that are in neither
-- list count too. One row a table. Locks catalogues only. TimescaleDB: not needed.
with part as materialized (
  select c.oid, coalesce(owned.root, c.oid) as root, c.reltuples, c.relfrozenxid, c.relminmxid, c.reloptions
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join unnest($1::oid[], $2::oid[]) as owned (relation, root) on owned.relation = c.oid
  where c.relkind in ('r', 'm') and (owned.relation is not null or ($3::boolean and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and n.nspname not like '\_timescaledb%' and n.nspname not like 'pg\_temp%' and not c.relispartition))
), added as (
  select root, sum(pg_stat_get_dead_tuples(oid))::int8 as dead, sum(case when pg_stat_get_live_tuples(oid) + pg_stat_get_dead_tuples(oid) > 0 then pg_stat_get_live_tuples(oid) else greatest(reltuples, 0) end)::int8 as live,
    max(greatest(pg_stat_get_last_vacuum_time(oid), pg_stat_get_last_autovacuum_time(oid))) as vacuumed_at,
    -- Table access methods without transactions have 0, of which age() says 2147483647.
    max(age(relfrozenxid)) filter (where relfrozenxid::text::int8 >= 3) as xid_age, max(mxid_age(relminmxid)) as mxid_age,
    bool_or(coalesce(array_to_string(reloptions, ',') ~ 'autovacuum_enabled=(false|off|no|0)', false)) as autovacuum_off
  from part
  group by root
)
select r.oid::int8 as root, n.nspname as schema, r.relname as "table", added.dead, added.live, added.vacuumed_at, added.xid_age, added.mxid_age, added.autovacuum_off,
  current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age
from added
join pg_class r on r.oid = added.root
join pg_namespace n on n.oid = r.relnamespace
order by 2, 3

-- Run on each node: bytes and estimated rows of the shards there, summed by table. A shard that a session has locked
-- ACCESS EXCLUSIVE is counted and not measured; a lock that comes in between is waited for 50 ms. Rows are counted in one
-- copy of each shard: as the planner estimates, rows per page at the last ANALYZE times the current pages.
-- One row with one column, JSON: [[table, measured, locked, bytes, index bytes, rows or null], …]. Names of tables are
-- quoted where SQL needs it: oids differ between nodes. TimescaleDB: not needed. Citus: 11.0
with settings as materialized (
  select set_config('lock_timeout', '50', true) as lock_timeout
), taken as materialized (
  select distinct l.relation from pg_locks l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid is distinct from pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
), held as materialized (
  select distinct coalesce(owner.oid, i.indrelid, t.relation) as oid
  from taken t
  left join pg_index i on i.indexrelid = t.relation
  left join pg_class owner on owner.reltoastrelid = t.relation
), shard as materialized (
  select s.logicalrelid, to_regclass(shard_name(s.logicalrelid, s.shardid)) as relation,
    p.groupid = (select min(q.groupid) from pg_dist_placement q where q.shardid = s.shardid) as is_first
  from pg_dist_local_group g
  join pg_dist_placement p on p.groupid = g.groupid
  join pg_dist_shard s on s.shardid = p.shardid
), measured as materialized (
  select shard.logicalrelid, shard.is_first, held.oid is not null as locked, c.relkind, c.reltuples, c.relpages,
    case when held.oid is null then pg_relation_size(c.oid) / current_setting('block_size')::int end as pages,
    case when held.oid is null then pg_total_relation_size(c.oid) end as bytes,
    case when held.oid is null then pg_indexes_size(c.oid) end as index_bytes,
    exists (select from pg_am a where a.oid = c.relam and a.amname = 'heap') as is_heap
  from settings
  cross join shard
  join pg_class c on c.oid = shard.relation
  left join held on held.oid = c.oid
), counted as (
  select *, case
    when relkind = 'p' or pages = 0 then 0
    when reltuples < 0 or relpages = 0 and is_heap then null
    when is_heap then round(reltuples::float8 / relpages * pages) else reltuples::float8
  end as rows
  from measured
)
select coalesce(jsonb_agg(jsonb_build_array(
  format('%I.%I', n.nspname, t.relname), sums.measured, sums.locked, sums.bytes, sums.index_bytes, sums.rows
)), '[]')
from (
  select logicalrelid, count(*) filter (where not locked) as measured, count(*) filter (where locked) as locked,
    coalesce(sum(bytes), 0) as bytes, coalesce(sum(index_bytes), 0) as index_bytes,
    case when bool_or(is_first and rows is null) then null else coalesce(sum(rows) filter (where is_first), 0) end as rows
  from counted group by logicalrelid
) as sums
join pg_class t on t.oid = sums.logicalrelid
join pg_namespace n on n.oid = t.relnamespace

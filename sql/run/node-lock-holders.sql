-- Run on each node of Citus: the sessions there that hold or wait for a lock on these relations, their partitions or the
-- shards of them on this node. $1 text[] of qualified names, $2 the lock that the step requests. One row with one column,
-- JSON: an array of objects, the oldest transaction first. `gpid` is the global pid of the session of Citus that sent the
-- statement from another node; null for a session of this node. Locks nothing. TimescaleDB: not needed. Citus: 11.0
-- A role without pg_monitor sees pid, user and application of other roles' sessions, but not their query.
with recursive wanted as (
  select to_regclass(name)::oid as oid from unnest($1::text[]) as name
  union
  select i.inhrelid from wanted w join pg_inherits i on i.inhparent = w.oid
), relation as (
  select w.oid from wanted w
  union
  select to_regclass(shard_name(s.logicalrelid, s.shardid))::oid from pg_dist_shard s join wanted w on w.oid = s.logicalrelid
), holder as (
  select distinct on (a.pid)
    a.pid, a.usename, a.application_name, a.backend_type, a.state, left(a.query, 200) as query, a.xact_start, l.mode,
    l.relation::regclass::text as relation, substring(a.application_name from '^citus_\w+ gpid=(\d+)') as gpid
  from pg_locks l
  join relation r on r.oid = l.relation
  join pg_stat_activity a on a.pid = l.pid
  where l.database = (select oid from pg_database where datname = current_database())
    and l.pid <> pg_backend_pid()
    and ($2::text = 'ACCESS EXCLUSIVE' or l.mode not in ('AccessShareLock', 'RowShareLock'))
  order by a.pid, l.granted desc, l.relation
)
select coalesce(jsonb_agg(jsonb_build_object(
  'pid', pid, 'user', usename, 'application', application_name, 'backend', backend_type, 'state', state, 'query', query,
  'seconds', extract(epoch from clock_timestamp() - xact_start), 'mode', mode, 'relation', relation, 'gpid', gpid
) order by xact_start nulls last, pid), '[]')
from holder

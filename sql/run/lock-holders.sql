-- The sessions that hold or wait for a lock on these relations or their children, the oldest transaction first.
-- $1 text[] of qualified names, $2 the lock that the step requests. Locks nothing. TimescaleDB: not needed.
-- A role without pg_monitor sees pid, user and application of other roles' sessions, but not their query and kind.
with recursive wanted as (
  select to_regclass(name)::oid as oid from unnest($1::text[]) as name
  union
  select i.inhrelid from wanted w join pg_inherits i on i.inhparent = w.oid
)
select distinct on (a.xact_start, a.pid)
  a.pid, a.usename as user, a.application_name as application, a.backend_type as backend, a.state,
  left(a.query, 200) as query, extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds, l.mode,
  l.relation::regclass::text as relation
from pg_locks l
join wanted w on w.oid = l.relation
join pg_stat_activity a on a.pid = l.pid
where l.database = (select oid from pg_database where datname = current_database())
  and l.pid <> pg_backend_pid()
  and ($2 = 'ACCESS EXCLUSIVE' or l.mode not in ('AccessShareLock', 'RowShareLock'))
order by a.xact_start nulls last, a.pid
limit 3

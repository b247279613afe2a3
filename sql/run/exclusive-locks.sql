-- Other sessions that hold or request ACCESS EXCLUSIVE on a relation of this database, the oldest transaction first:
-- the only lock that blocks a SELECT, and a waiting request for it blocks later SELECTs too.
-- One row for each session and `granted`, with one of its relations. No parameters. Locks nothing. TimescaleDB: not needed.
-- A role without pg_monitor sees pid, user and application of other roles' sessions, but not their query.
select distinct on (l.granted, a.xact_start, a.pid)
  a.pid, a.usename as user, a.application_name as application, a.state,
  left(a.query, 200) as query, extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds, l.mode, l.granted,
  l.relation::regclass::text as relation
from pg_locks l
join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm')
join pg_stat_activity a on a.pid = l.pid
where l.database = (select oid from pg_database where datname = current_database())
  and l.mode = 'AccessExclusiveLock' and l.pid <> pg_backend_pid() and c.relnamespace <> 'pg_toast'::regnamespace
order by l.granted desc, a.xact_start nulls last, a.pid, l.relation
limit 3

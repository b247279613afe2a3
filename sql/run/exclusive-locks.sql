-- Which other sessions hold ACCESS EXCLUSIVE on a relation of this database or wait for it, the longest transaction first:
-- it is the only lock that stops a SELECT, and a session that waits for it stops later SELECTs too.
-- One row a session and kind, with one of its relations. No parameters. Nothing is locked by asking. TimescaleDB: not needed.
-- A role without pg_monitor sees pid, user and application of others, but not their query.
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

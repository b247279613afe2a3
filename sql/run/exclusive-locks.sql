-- Other sessions that hold or request ACCESS EXCLUSIVE on a relation of this database, the oldest transaction first:
-- the only lock that blocks a SELECT, and a waiting request for it blocks later SELECTs too.
-- One row for each session and `granted`, with up to four of its relations: which of them the SELECT waited for is not
-- known any more. No parameters. Locks nothing. TimescaleDB: not needed.
-- A role without pg_monitor sees pid, user and application of other roles' sessions, but not their query.
with locked as (
  select l.pid, l.granted, array_agg(l.relation::regclass::text order by l.relation::regclass::text) as relations
  from pg_locks l
  join pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm')
  where l.database = (select oid from pg_database where datname = current_database())
    and l.mode = 'AccessExclusiveLock' and l.pid <> pg_backend_pid() and c.relnamespace <> 'pg_toast'::regnamespace
  group by l.pid, l.granted
)
select
  a.pid, a.usename as user, a.application_name as application, a.backend_type as backend, a.state,
  left(a.query, 200) as query, extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds,
  'AccessExclusiveLock' as mode, locked.granted,
  array_to_string(relations[1:4], ', ')
    || case when cardinality(relations) > 4 then format(' and %s more', cardinality(relations) - 4) else '' end as relation
from locked
join pg_stat_activity a on a.pid = locked.pid
order by locked.granted desc, a.xact_start nulls last, a.pid
limit 3

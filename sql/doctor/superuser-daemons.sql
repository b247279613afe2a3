-- Roles that are superusers and run a daemon of qicore-db in this database.
-- No parameters. Locks nothing. TimescaleDB: not needed.
select a.usename as role, count(*)::int as sessions
from pg_stat_activity a
join pg_roles r on r.oid = a.usesysid
where a.datname = current_database() and a.application_name = 'qicore-db/daemon' and r.rolsuper
group by a.usename
order by 1

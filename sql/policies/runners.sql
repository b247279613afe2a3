-- The number of sessions of qicore-db daemons in this database. Every role can see application names.
-- One row. TimescaleDB: not needed.
select count(*)::int as daemons
from pg_stat_activity
where datname = current_database() and application_name like 'qicore-db/daemon%'

-- Whether daemons of ours are connected to this database: everybody sees application names.
-- One row. TimescaleDB: not needed.
select count(*)::int as daemons
from pg_stat_activity
where datname = current_database() and application_name like 'qicore-db/daemon%'

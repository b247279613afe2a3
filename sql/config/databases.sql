-- The databases of the server that a session can connect to, without templates. One row for each, by name. Every role
-- may read it. TimescaleDB: not needed.
select d.datname as name
from pg_catalog.pg_database d
where d.datallowconn and not d.datistemplate
order by d.datname collate "C"

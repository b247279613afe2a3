-- How old the oldest transaction of each database of the server is, and what keeps it from becoming younger.
-- One row a database. Locks catalogues only. TimescaleDB: not needed.
select d.datname as database, age(d.datfrozenxid) as xid_age, mxid_age(d.datminmxid) as mxid_age, d.datname = current_database() as here,
  current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age,
  (select count(*)::int from pg_prepared_xacts) as prepared
from pg_database d
where d.datallowconn
order by 2 desc

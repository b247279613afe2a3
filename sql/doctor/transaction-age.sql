-- How old the oldest transaction of each database of the server is, and what keeps it from becoming younger.
-- An xid below 3 is not a transaction: the embedded engine's databases begin with 0, of which age() says 2147483647.
-- One row a database. Locks catalogues only. TimescaleDB: not needed.
select d.datname as database,
  case when d.datfrozenxid::text::int8 >= 3 then age(d.datfrozenxid) end as xid_age, mxid_age(d.datminmxid) as mxid_age,
  d.datname = current_database() as here,
  current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age,
  (select count(*)::int from pg_prepared_xacts) as prepared
from pg_database d
where d.datallowconn
order by 2 desc nulls last

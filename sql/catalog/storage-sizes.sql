-- The size of this database and of each tablespace of the server. Null if this role may not measure it: that needs
-- CONNECT on the database, CREATE on the tablespace, or the role pg_read_all_stats. pg_global, which has no tables of
-- users, is left out.
-- No parameters. TimescaleDB: not needed. One row for each of them, the database first.
with may as (select pg_has_role('pg_read_all_stats', 'usage') as all_stats)
select 'database' as kind, d.datname::text as name, d.oid::int8 as oid,
  case when may.all_stats or has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid) end as bytes
from pg_database d, may
where d.datname = current_database()
union all
select 'tablespace', s.spcname::text, s.oid::int8,
  case
    when may.all_stats or has_tablespace_privilege(s.oid, 'create')
      or s.oid = (select dattablespace from pg_database where datname = current_database())
      then pg_tablespace_size(s.oid)
  end
from pg_tablespace s, may
where s.spcname <> 'pg_global'
order by kind, name

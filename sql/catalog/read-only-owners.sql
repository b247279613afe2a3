-- Roles whose sessions in this database begin with read-only transactions, by ALTER ROLE or ALTER DATABASE. The setting
-- of a role in a database takes precedence over that of the role, and that over the one of the database.
-- One row a role; the name is quoted as in SQL. TimescaleDB: not needed.
select r.oid::regrole::text as owner
from pg_roles r
cross join lateral (
  select split_part(setting.text, '=', 2)::boolean as is_on
  from pg_db_role_setting s
  cross join lateral unnest(s.setconfig) as setting (text)
  where s.setrole in (0, r.oid)
    and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
    and setting.text like 'default\_transaction\_read\_only=%'
  order by s.setrole <> 0 and s.setdatabase <> 0 desc, s.setrole <> 0 desc
  limit 1
) reads_only
where reads_only.is_on

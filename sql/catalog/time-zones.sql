-- The time zone in which a policy of each table runs: a background worker has the settings of the role that owns the
-- job, which is the table's owner. The order is PostgreSQL's: the role in this database, the role, the database, all
-- roles, the server's configuration. The last is visible only if this session's role has no other setting; otherwise
-- time_zone is null. `local_now`: the local time of the zone at $2, in microseconds since 1970 as if it were UTC.
-- $1 oid[] of tables, $2 timestamptz. TimescaleDB: not needed.
with setting as (
  select s.setdatabase, s.setrole, split_part(entry, '=', 2) as time_zone
  from pg_db_role_setting s cross join lateral unnest(s.setconfig) as entry
  where lower(split_part(entry, '=', 1)) = 'timezone'
    and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
), chosen as (
  select r.oid as role, coalesce(
    (select s.time_zone from setting s where s.setrole = r.oid and s.setdatabase <> 0),
    (select s.time_zone from setting s where s.setrole = r.oid and s.setdatabase = 0),
    (select s.time_zone from setting s where s.setrole = 0 and s.setdatabase <> 0),
    (select s.time_zone from setting s where s.setrole = 0 and s.setdatabase = 0)
  ) as time_zone
  from pg_roles r
), found as (
  select c.oid as relation, coalesce(
    owner.time_zone,
    case when mine.time_zone is null then (select p.reset_val from pg_settings p where p.name = 'TimeZone') end
  ) as time_zone
  from pg_class c
  left join chosen owner on owner.role = c.relowner
  left join (select h.time_zone from pg_roles r join chosen h on h.role = r.oid where r.rolname = session_user) as mine on true
  where c.oid = any ($1::oid[])
)
select f.relation::int8 as relation, f.time_zone,
  (extract(epoch from $2::timestamptz at time zone f.time_zone) * 1000000)::int8::text as local_now
from found f

-- The time zones in which policies run: a background worker has the settings of the role that owns the job, which is the
-- table's owner. The order is PostgreSQL's: the role in this database, the role, the database, all roles, the server's
-- configuration. The last is visible only if this session's role has no other setting; otherwise time_zone is null.
-- One row for each role with a setting of its own, and one with owner 0 for all others. `utc_offset`: of the local time
-- at $1 from UTC, in microseconds.
-- $1 timestamptz, null for the beginning of the transaction. TimescaleDB: not needed.
with setting as (
  select s.setdatabase, s.setrole, split_part(entry, '=', 2) as time_zone
  from pg_db_role_setting s cross join lateral unnest(s.setconfig) as entry
  where lower(split_part(entry, '=', 1)) = 'timezone'
    and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
), chosen as (
  select o.owner, coalesce(
    (select s.time_zone from setting s where s.setrole = o.owner and s.setdatabase <> 0),
    (select s.time_zone from setting s where s.setrole = o.owner and s.setdatabase = 0),
    (select s.time_zone from setting s where s.setrole = 0 and s.setdatabase <> 0),
    (select s.time_zone from setting s where s.setrole = 0 and s.setdatabase = 0)
  ) as time_zone
  from (select 0::oid as owner union select setrole from setting) as o
), mine as (
  select c.time_zone from chosen c
  where c.owner in (0, (select oid from pg_roles where rolname = session_user)) order by c.owner desc limit 1
), found as (
  select c.owner, coalesce(
    c.time_zone,
    case when mine.time_zone is null then (select p.reset_val from pg_settings p where p.name = 'TimeZone') end
  ) as time_zone
  from chosen c cross join mine
)
select f.owner::int8 as owner, f.time_zone,
  (extract(epoch from (moment at time zone f.time_zone) - (moment at time zone 'UTC')) * 1000000)::int8::text as utc_offset
from found f cross join (select coalesce($1::timestamptz, now()) as moment) as given

-- Returns the time column of a table, and the current time and the cutoff of its retention on the scale of that column:
-- microseconds since 1970, or the integers of the column. `future_sql` is a day from now: rows later than that do not
-- show that the feed is alive.
-- since: core.1.3.0
-- requires: partition_key, retain_literal
create or replace function qicore.retain_scale(
  subject regclass, policy jsonb,
  out column_name name, out column_type regtype, out now bigint, out cutoff bigint, out cutoff_sql text, out future_sql text, out cutoff_text text
)
language plpgsql
as $$
declare
  -- The age of a retention with stages is that of its detach, and that of one with an export that of its drop.
  age constant text := coalesce(policy ->> 'after', policy ->> 'detach', case when policy ? 'export' then policy ->> 'drop' end);
  after constant interval := age::interval;
  factor constant numeric := case policy ->> 'timeUnit' when 's' then 1 when 'ms' then 1000 when 'us' then 1000000 when 'ns' then 1000000000 end;
  clock_schema name;
  clock name;
  owner name;
  role_before constant text := current_setting('role');
  future bigint;
  zone text;
  local_cutoff timestamp;
  zone_before constant text := current_setting('timezone');
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
begin
  if after is null or after <= interval '0' then
    raise exception using errcode = '22023', message = format('%s: invalid age "%s" of the retention: use an interval greater than 0', subject, age);
  end if;
  if exists (select from pg_extension where extname = 'timescaledb') then
    select d.column_name, d.column_type, d.integer_now_func_schema, d.integer_now_func into column_name, column_type, clock_schema, clock
    from _timescaledb_catalog.hypertable h
    join _timescaledb_catalog.dimension d on d.hypertable_id = h.id
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject
    order by d.id limit 1;
  end if;
  if column_name is null then
    select a.attname, a.atttypid into column_name, column_type
    from pg_partitioned_table p join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = subject and p.partstrat = 'r' and p.partnatts = 1;
  end if;
  if column_name is null then
    raise exception using errcode = '42809', message = format('%s is not a hypertable, a continuous aggregate or a table partitioned by range of one column', subject);
  end if;
  if column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
    if factor is null then
      raise exception using errcode = '22023', message = format('the time column of %s is an integer and its unit is not known: set timeUnit in the configuration', subject);
    end if;
    if clock is null then
      now := floor(extract(epoch from clock_timestamp()) * factor);
    else
      -- A superuser calls the owner's function with the owner's rights.
      select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
      if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
        perform set_config('role', owner, true);
      end if;
      execute format('select %I.%I()::bigint', clock_schema, clock) into now;
      perform set_config('role', role_before, true);
    end if;
    cutoff := now - floor(extract(epoch from after) * factor);
    future := now + floor(86400 * factor);
    cutoff_sql := format('%L::%s', cutoff, column_type);
    future_sql := format('%L::bigint', future);
    cutoff_text := cutoff::text;
  elsif column_type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype, 'text'::regtype, 'varchar'::regtype) then
    if column_type in ('text'::regtype, 'varchar'::regtype) then
      -- A retention of a text is confirmed only if its format is declared. The error names another collation than "C".
      perform qicore.partition_key(subject, null, 'ulid');
    end if;
    -- The time zone of TimescaleDB's own policies, which run with the settings of the table's owner. In this order: the
    -- role in this database, the role, the database, all roles, the server. Reports read sql/catalog/time-zones.sql.
    with setting as (
      select s.setdatabase, s.setrole, split_part(entry, '=', 2) as time_zone
      from pg_db_role_setting s cross join lateral unnest(s.setconfig) as entry
      where lower(split_part(entry, '=', 1)) = 'timezone' and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
    ), chosen as (
      select r.oid as role, (
        select s.time_zone from setting s where s.setrole in (0, r.oid) order by s.setrole <> 0 desc, s.setdatabase <> 0 desc limit 1
      ) as time_zone
      from pg_roles r
    )
    select coalesce(
      (select h.time_zone from pg_class c join chosen h on h.role = c.relowner where c.oid = subject),
      (select p.reset_val from pg_settings p, pg_roles r join chosen h on h.role = r.oid where p.name = 'TimeZone' and r.rolname = session_user and h.time_zone is null)
    ) into zone;
    if column_type not in ('timestamp'::regtype, 'date'::regtype) then
      perform set_config('timezone', coalesce(zone, 'UTC'), true);
      now := extract(epoch from clock_timestamp()) * 1000000;
      cutoff := extract(epoch from clock_timestamp() - after) * 1000000;
      perform set_config('timezone', zone_before, true);
      cutoff_text := (epoch + cutoff * interval '1 microsecond')::text;
    elsif zone is null then
      raise exception using errcode = '22023', message = format('the time column of %s has no time zone, and this role cannot read the time zone setting of the owner', subject),
        hint = 'To set it for all roles: alter database ... set timezone to ...';
    else
      -- The local time of the zone, read as UTC, is the scale of the table's ranges. A date column has whole days.
      now := extract(epoch from clock_timestamp() at time zone zone) * 1000000;
      local_cutoff := clock_timestamp() at time zone zone - after;
      cutoff := extract(epoch from case when column_type = 'date'::regtype then date_trunc('day', local_cutoff) else local_cutoff end) * 1000000;
      cutoff_text := format('%s %s', local_cutoff, zone);
    end if;
    cutoff_sql := qicore.retain_literal(column_type, cutoff);
    future_sql := qicore.retain_literal(column_type, now + 86400000000);
  else
    raise exception using errcode = '42809', message = format('the time column %I of %s has the type %s, which is not supported', column_name, subject, format_type(column_type, null));
  end if;
end
$$;

-- Where a table stands on its own scale of time: microseconds since 1970, or the integers of its column. `cutoff` is
-- what the retention comes to just now, `future` a day from now: rows beyond that are no sign of a feed that lives.
-- since: core.1.3.0
create or replace function qicore.retain_scale(
  subject regclass, policy jsonb,
  out column_name name, out column_type regtype, out now bigint, out cutoff bigint, out cutoff_sql text, out future_sql text, out cutoff_text text
)
language plpgsql
as $$
declare
  after constant interval := (policy ->> 'after')::interval;
  factor constant numeric := case policy ->> 'timeUnit' when 's' then 1 when 'ms' then 1000 when 'us' then 1000000 when 'ns' then 1000000000 end;
  clock_schema name;
  clock name;
  owner name;
  role_before constant text := current_setting('role');
  future bigint;
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
begin
  if after is null or after <= interval '0' then
    raise exception using errcode = '22023', message = format('%s: "%s" is no age for a retention', subject, policy ->> 'after');
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
    raise exception using errcode = '42809', message = format('%s is no hypertable, no continuous aggregate and not partitioned by range of one column', subject);
  end if;
  if column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
    if factor is null then
      raise exception using errcode = '22023', message = format('%s has integers for times, and nobody said what one is (timeUnit)', subject);
    end if;
    if clock is null then
      now := floor(extract(epoch from clock_timestamp()) * factor);
    else
      -- Somebody else's function is not lent the rights of a superuser.
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
  elsif column_type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'uuid'::regtype) then
    now := extract(epoch from clock_timestamp()) * 1000000;
    cutoff := extract(epoch from clock_timestamp() - after) * 1000000;
    cutoff_text := (epoch + cutoff * interval '1 microsecond')::text;
    cutoff_sql := qicore.retain_literal(column_type, cutoff);
    future_sql := qicore.retain_literal(column_type, now + 86400000000);
  else
    raise exception using errcode = '42809', message = format('%s has no times in %I, but %s', subject, column_name, format_type(column_type, null));
  end if;
end
$$;

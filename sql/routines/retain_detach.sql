-- Detaches a partition of a table whose retention has stages, keeps its table and records it in
-- qicore.detached_partition; or returns why it must not be detached. As in qicore.retain_range the check runs twice: a
-- row that is committed between the check and the detach would never be computed by the aggregates.
-- `unit`: that of an integer time column, null for others.
-- since: core.1.19.0
-- requires: retain_obstacle
create or replace function qicore.retain_detach(
  subject regclass, column_name name, column_type regtype, relation text, low bigint, high bigint, present bigint, unit text
)
returns text
language plpgsql
as $$
declare
  -- Microseconds of one unit of the column, as a fraction for nanoseconds.
  micros constant numeric := case unit when 's' then 1000000 when 'ms' then 1000 when 'us' then 1 when 'ns' then 0.001 else 1 end;
  child constant regclass := to_regclass(relation);
  role_before constant text := current_setting('role');
  owner name;
  reason text;
  bound text[];
begin
  reason := qicore.retain_obstacle(subject, column_name, column_type, array[relation], low, high, present);
  if reason is not null then
    return reason;
  end if;
  select r.rolname into owner from pg_class c join pg_roles r on r.oid = c.relowner where c.oid = subject;
  if not pg_has_role(current_user, owner, 'usage') then
    raise exception using errcode = '42501', message = format('must be owner of %s', subject);
  end if;
  execute format('lock table %s in exclusive mode', relation);
  reason := qicore.retain_obstacle(subject, column_name, column_type, array[relation], low, high, present);
  if reason is not null then
    return reason;
  end if;
  select regexp_match(pg_get_expr(c.relpartbound, 0), '^FOR VALUES FROM \(''?([^'']*)''?\) TO \(''?([^'']*)''?\)$') into bound
  from pg_class c where c.oid = child;
  delete from qicore.detached_partition d where d.relation = child::oid and d.dropped_at is null;
  insert into qicore.detached_partition (
    set_schema, set_table, relation, schema, partition, key_column, lower_bound, upper_bound, range_start, range_end, zoned, attempt
  )
  select n.nspname, s.relname, c.oid, cn.nspname, c.relname, column_name, bound[1], bound[2],
    case when low > -9223372036854775808 then floor(low * micros) end, case when high < 9223372036854775807 then floor(high * micros) end,
    column_type not in ('timestamp'::regtype, 'date'::regtype), 'qicore.retain'
  from pg_class s join pg_namespace n on n.oid = s.relnamespace, pg_class c join pg_namespace cn on cn.oid = c.relnamespace
  where s.oid = subject and c.oid = child;
  -- Event triggers run with the owner's rights, not with those of a superuser.
  if (select rolsuper from pg_roles where rolname = current_user) and owner <> current_user then
    perform set_config('role', owner, true);
  end if;
  execute format('alter table %s detach partition %s', subject, relation);
  perform set_config('role', role_before, true);
  update qicore.detached_partition d
  set detached_at = clock_timestamp(), detached_by = session_user, counted_at = clock_timestamp(),
    detached_xid = (select a.xmin::text from pg_attribute a where a.attrelid = d.relation and a.attname = d.key_column)
  where d.relation = child::oid and d.dropped_at is null;
  return null;
end
$$;

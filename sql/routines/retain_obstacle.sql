-- Returns why the chunks of a range, or a partition, must not be dropped now; null if they may be. The reason is a
-- foreign key that references the table, because TimescaleDB would drop it together with the chunk (PostgreSQL itself
-- refuses to drop such a partition); or the first aggregate over the table, or over such an aggregate, that has not
-- covered the range. For a partition, only the part of the range in which it has rows must be covered.
-- since: core.1.3.0
create or replace function qicore.retain_obstacle(subject regclass, column_name name, column_type regtype, relations text[], low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  partitioned constant boolean := exists (select from pg_partitioned_table where partrelid = subject);
  reason text;
  first_row bigint;
  last_row bigint;
  time_expression text;
begin
  if not partitioned then
    select format('foreign key %I of %s references it, and would be dropped with it', k.conname, k.conrelid::regclass) into reason
    from pg_constraint k where k.confrelid = subject and k.contype = 'f' order by k.conname limit 1;
    if reason is not null then
      return reason;
    end if;
  end if;
  reason := qicore.retain_gap(subject, column_type, low, high, present);
  -- The aggregates over a table by UUIDv7 or ULID go by another column: where its rows are says nothing about them.
  if reason is null or not partitioned or column_type in ('uuid'::regtype, 'text'::regtype, 'varchar'::regtype) then
    return reason;
  end if;
  time_expression := case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then '%s::bigint'
    else '(extract(epoch from %s::timestamptz) * 1000000)::bigint'
  end;
  execute format('select (select %s from %s order by %I limit 1), (select %s from %s order by %I desc limit 1)',
    format(time_expression, quote_ident(column_name)), relations[1], column_name, format(time_expression, quote_ident(column_name)), relations[1], column_name)
  into first_row, last_row;
  if first_row is null then
    return null;
  end if;
  return qicore.retain_gap(subject, column_type, greatest(low, first_row), least(high, last_row + 1), present);
end
$$;

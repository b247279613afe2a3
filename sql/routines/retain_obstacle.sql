-- Why the chunks of one range, or a partition, must not be dropped now; null where nothing speaks against it. Either the
-- first aggregate over the table, or over such an aggregate, that has not covered the range, with what it lacks; or a
-- foreign key, which TimescaleDB would drop together with the chunk that it leads to (PostgreSQL refuses by itself).
-- Where a partition holds rows in a part of its range only, that part counts.
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
  point text;
begin
  if not partitioned then
    select format('foreign key %I of %s leads to it, and would be dropped with it', k.conname, k.conrelid::regclass) into reason
    from pg_constraint k where k.confrelid = subject and k.contype = 'f' order by k.conname limit 1;
    if reason is not null then
      return reason;
    end if;
  end if;
  reason := qicore.retain_gap(subject, column_type, low, high, present);
  if reason is null or not partitioned then
    return reason;
  end if;
  point := case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then '%s::bigint'
    else '(extract(epoch from %s::timestamptz) * 1000000)::bigint'
  end;
  execute format('select (select %s from %s order by %I limit 1), (select %s from %s order by %I desc limit 1)',
    format(point, quote_ident(column_name)), relations[1], column_name, format(point, quote_ident(column_name)), relations[1], column_name)
  into first_row, last_row;
  if first_row is null then
    return null;
  end if;
  return qicore.retain_gap(subject, column_type, greatest(low, first_row), least(high, last_row + 1), present);
end
$$;

-- Why a chunk or partition must not be dropped yet: the first aggregate over it, or over such an aggregate, that has not
-- covered it, with the range that it lacks. Null where all have. Where only a part of its range holds rows, that part
-- counts.
create function qicore.retain_uncovered(subject regclass, column_name name, column_type regtype, relation text, low bigint, high bigint, present bigint)
returns text
language plpgsql
as $$
declare
  reason text;
  first_row bigint;
  last_row bigint;
  point text;
begin
  reason := qicore.retain_gap(subject, column_type, low, high, present);
  if reason is null then
    return null;
  end if;
  point := case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then '%s::bigint'
    when column_type = 'uuid'::regtype then '(''x'' || left(replace(%s::text, ''-'', ''''), 12))::bit(48)::bigint * 1000'
    else '(extract(epoch from %s::timestamptz) * 1000000)::bigint'
  end;
  -- There is no min(uuid).
  execute format('select (select %s from %s order by %I limit 1), (select %s from %s order by %I desc limit 1)',
    format(point, quote_ident(column_name)), relation, column_name, format(point, quote_ident(column_name)), relation, column_name)
  into first_row, last_row;
  if first_row is null then
    return null;
  end if;
  return qicore.retain_gap(subject, column_type, greatest(low, first_row), least(high, last_row + 1), present);
end
$$;

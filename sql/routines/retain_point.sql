-- The text of a bound as a point on the time scale of its table, the inverse of qicore.retain_literal: microseconds since
-- 1970, or the integer. Null if the text is no time.
-- since: core.1.3.0
-- requires: partition_point
create or replace function qicore.retain_point(column_type regtype, bound text)
returns bigint
language sql
stable
as $$
  select case
    when column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then bound::bigint
    when column_type in ('uuid'::regtype, 'text'::regtype, 'varchar'::regtype) then
      (extract(epoch from qicore.partition_point(case column_type when 'uuid'::regtype then 'uuid' else 'ulid' end, bound)) * 1000000)::bigint
    else (extract(epoch from bound::timestamptz) * 1000000)::bigint
  end
$$;

-- The first aggregate over a table, or over such an aggregate, that has not computed all of a range as the rows stand
-- now, and the range that it lacks; null where there is none. A bucket of an indirect aggregate that is not complete
-- yet need not be there.
create function qicore.retain_gap(subject regclass, column_type regtype, low bigint, high bigint, present bigint)
returns text
language plpgsql
stable
as $$
declare
  storage regclass := subject;
  found_view text;
  gap text;
  first_point bigint;
  last_point bigint;
  epoch constant timestamptz := '1970-01-01 00:00:00+00';
begin
  with recursive over as (
    select a.view, a.bucket, a.covered, 1 as level from qicore.aggregates a where to_regclass(a.source) = subject
    union all
    select a.view, a.bucket, a.covered, o.level + 1 from over o join qicore.aggregates a on to_regclass(a.source) = to_regclass(o.view)
  )
  select o.view, (part.wanted - o.covered)::text into found_view, gap
  from over o
  cross join lateral (
    select tstzmultirange(tstzrange(epoch + low * interval '1 microsecond', epoch + high * interval '1 microsecond')) * case
      when o.level = 1 then '{(,)}'::tstzmultirange
      when o.bucket = interval '1 month' then tstzmultirange(tstzrange(null, date_trunc('month', epoch + present * interval '1 microsecond')))
      else tstzmultirange(tstzrange(null, date_bin(o.bucket, epoch + present * interval '1 microsecond', '2000-01-03 00:00:00+00')))
    end as wanted
  ) part
  where not o.covered @> part.wanted
  order by o.level, o.view limit 1;
  if found_view is not null then
    return format('%s has not covered %s', found_view, gap);
  end if;
  if not exists (select from pg_extension where extname = 'timescaledb') then
    return null;
  end if;
  select to_regclass(format('%I.%I', h.schema_name, h.table_name)) into storage
  from _timescaledb_catalog.hypertable h
  left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
  where to_regclass(format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name))) = subject;
  if storage is null then
    return null;
  end if;
  select format('%I.%I', g.schema, g.view), lower(part), upper(part) into found_view, first_point, last_point
  from qicore.coverage_gaps(storage, array[low], array[high], null, present, true) g
  cross join lateral (select r from unnest(g.gaps::int8multirange) r order by r limit 1) as first (part)
  order by g.level, g.view limit 1;
  if found_view is null then
    return null;
  end if;
  if column_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
    return format('%s has not covered %s to %s', found_view, coalesce(first_point::text, 'its beginning'), coalesce(last_point::text, 'its end'));
  end if;
  return format('%s has not covered %s to %s', found_view,
    case when first_point > -9223372036854775807 then (epoch + first_point * interval '1 microsecond')::text else 'its beginning' end,
    case when last_point < 9223372036854775807 then (epoch + last_point * interval '1 microsecond')::text else 'its end' end);
end
$$;

-- Comparisons of the stored rows of a continuous aggregate with the result of their current rows, for whole buckets. One
-- row for each range (`position`, from 1) that has to be compared: a boolean SQL expression that is true if they differ.
-- No row for an aggregate whose invalidation log can be relied on.
-- That of an aggregate by months or with a time zone cannot, from 2.25.1 on (2.29.2 included, TimescaleDB issue 10296): it
-- leaves out the bucket at whose start a written range ends, so after another refresh the bucket counts as computed.
-- Columns are compared as text, because json and types of extensions have no equality operator; float columns as real,
-- because the last digits of their sums depend on the order of the rows.
-- The only definition: gated retention calls it, and the program sends the same text (between the two tags).
-- since: core.1.3.0
create or replace function qicore.bucket_comparisons(aggregates integer[], sinces bigint[], untils bigint[])
returns table ("position" bigint, differs text)
language plpgsql
stable
as $routine$
declare
  -- Parsed only when it runs: PostgreSQL without TimescaleDB does not have these catalogs.
  comparisons constant text := $comparisons$
select b.position, format(
  'exists (select from (select array[%1$s] as line, 1 as side from %2$s where %3$I >= %4$s and %3$I < %5$s '
  'union all select array[%1$s], -1 from %6$s where %3$I >= %4$s and %3$I < %5$s) as u group by line having sum(side) <> 0)',
  c.columns, q.stored, d.column_name, b.since, b.until, q.computed
) as differs
from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as r (id, since, until, position)
join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = r.id
join _timescaledb_catalog.continuous_aggs_bucket_function f on f.mat_hypertable_id = r.id and not f.bucket_fixed_width
join pg_extension e on e.extname = 'timescaledb'
  and string_to_array(substring(e.extversion from '^\d+(?:\.\d+)*'), '.')::int[] >= '{2,25,1}'
join _timescaledb_catalog.hypertable h on h.id = r.id
cross join lateral (
  select t.column_name, t.column_type from _timescaledb_catalog.dimension t where t.hypertable_id = r.id order by t.id limit 1
) d
cross join lateral (
  select format('%I.%I', h.schema_name, h.table_name) as stored, format('%I.%I', a.direct_view_schema, a.direct_view_name) as computed
) q
cross join lateral (
  select string_agg(
    case when t.atttypid in ('real'::regtype, 'double precision'::regtype)
      then format('case when abs(%1$I) between 1e-37 and 1e38 then %1$I::real::text else %1$I::text end', t.attname)
      else format('%I::text', t.attname)
    end, ', ' order by t.attnum
  ) as columns
  from pg_attribute t where t.attrelid = to_regclass(q.computed) and t.attnum > 0 and not t.attisdropped
) c
cross join lateral (
  select r.position, max(l.bound) filter (where l.side = 0) as since, max(l.bound) filter (where l.side = 1) as until
  from (
    select p.side, format('%L::%s', to_char(
      (timestamptz '1970-01-01 00:00:00+00' + (p.point / 1000000) * interval '1 second'
        + (p.point % 1000000) * interval '1 microsecond') at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'
    ) || case when d.column_type = 'timestamptz'::regtype then '+00' else '' end, d.column_type) as bound
    from (values (0, r.since), (1, r.until)) p (side, point)
  ) l
) b
order by b.position$comparisons$;
begin
  return query execute comparisons using aggregates, sinces, untils;
end
$routine$;

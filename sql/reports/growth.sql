-- The recorded sizes of the last 90 days of each object, with the least squares line through them. Days are counted from
-- the day of the report: 0 is that day, -1 the day before. An object that was dropped and created again has one row for
-- each oid. A size of which a part is missing ("mixed") counts as unknown.
-- $1 date of the report, $2 schema and $3 name of one table, or both null for all. TimescaleDB: not needed.
-- One row for each table, for the database and for each tablespace; regression values are null without known sizes. The
-- points are in no order: sorting by name would take longer than all the rest.
with recorded as (
  select s.object_kind, s.schema, s.name, s.relation, s.day - $1::date as day,
    case when s.size_basis <> 'mixed' then s.total_bytes end as bytes
  from qicore.size_snapshot s
  where s.day > $1::date - 90 and s.day <= $1::date
    and (s.object_kind <> 'table' or $2::text is null or (s.schema = $2 and s.name = $3))
)
select r.object_kind as kind, r.schema, r.name, r.relation::int8 as relation,
  count(r.bytes)::int as days,
  regr_slope(r.bytes, r.day) as slope,
  regr_intercept(r.bytes, r.day) as intercept,
  regr_avgx(r.bytes, r.day) as mean_day,
  regr_sxx(r.bytes, r.day) as sxx,
  regr_syy(r.bytes, r.day) as syy,
  regr_sxy(r.bytes, r.day) as sxy,
  json_agg(json_build_array(r.day, r.bytes)) as points
from recorded r
group by r.object_kind, r.schema, r.name, r.relation

-- Policies that TimescaleDB's jobs run: table, configuration, owner, and the last run as far as it is recorded. The
-- config has intervals, or integers for a table on integer time. The hypertable is identified by its id, for an
-- aggregate that of the materialization: hypertable_name of the view changed its meaning in 2.20.
-- $1 text[] of kinds, $2 text[] of their procedures. TimescaleDB: 2.15
select
  j.job_id,
  k.kind,
  coalesce(j.config ->> 'hypertable_id', j.config ->> 'mat_hypertable_id')::int as hypertable_id,
  after.span as after_interval, after.count as after_integer,
  created.span as created_interval,
  first.span as start_interval, first.count as start_integer,
  last.span as end_interval, last.count as end_integer,
  coalesce((j.config ->> 'recompress')::bool, true) as recompress,
  coalesce((j.config ->> 'recompress_unordered')::bool, true) as recompress_unordered,
  j.schedule_interval as schedule,
  j.scheduled,
  j.owner::text as owner,
  (select r.rolcanlogin from pg_roles r where r.oid = j.owner::oid) as owner_can_login,
  j.next_start,
  s.last_run_started_at,
  s.last_run_status,
  s.job_status = 'Running' as running,
  j.config::text as config
from timescaledb_information.jobs j
join unnest($1::text[], $2::text[]) as k (kind, procedure) on k.procedure = j.proc_name
left join timescaledb_information.job_stats s on s.job_id = j.job_id
cross join lateral (
  select
    coalesce(j.config -> 'compress_after', j.config -> 'drop_after') as after,
    coalesce(j.config -> 'compress_created_before', j.config -> 'drop_created_before') as created,
    j.config -> 'start_offset' as first, j.config -> 'end_offset' as last
) as c
cross join lateral (select case jsonb_typeof(c.after) when 'string' then (c.after #>> '{}')::interval end as span, case jsonb_typeof(c.after) when 'number' then c.after #>> '{}' end as count) as after
cross join lateral (select case jsonb_typeof(c.created) when 'string' then (c.created #>> '{}')::interval end as span) as created
cross join lateral (select case jsonb_typeof(c.first) when 'string' then (c.first #>> '{}')::interval end as span, case jsonb_typeof(c.first) when 'number' then c.first #>> '{}' end as count) as first
cross join lateral (select case jsonb_typeof(c.last) when 'string' then (c.last #>> '{}')::interval end as span, case jsonb_typeof(c.last) when 'number' then c.last #>> '{}' end as count) as last
where j.proc_schema in ('_timescaledb_functions', '_timescaledb_internal')

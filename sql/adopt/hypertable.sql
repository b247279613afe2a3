-- Jobs and continuous aggregates of a hypertable.
-- $1 schema, $2 name. TimescaleDB: 2.15 or later.
select coalesce((
    select json_agg(json_build_object('id', j.job_id, 'name', j.proc_name, 'scheduled', j.scheduled) order by j.job_id)
    from timescaledb_information.jobs j where j.hypertable_schema = $1 and j.hypertable_name = $2
  ), '[]') as jobs,
  coalesce((
    select json_agg(json_build_object('schema', a.view_schema, 'name', a.view_name) order by a.view_schema, a.view_name)
    from timescaledb_information.continuous_aggregates a where a.hypertable_schema = $1 and a.hypertable_name = $2
  ), '[]') as aggregates

-- Which of these aggregates a refresh policy of theirs refreshes just now.
-- $1 text[] of aggregates as SQL reads them. TimescaleDB: 2.15
select distinct asked.object
from unnest($1::text[]) as asked (object)
join pg_class c on c.oid = to_regclass(asked.object)
join pg_namespace n on n.oid = c.relnamespace
join _timescaledb_catalog.continuous_agg a on a.user_view_schema = n.nspname and a.user_view_name = c.relname
join timescaledb_information.jobs j
  on j.proc_name = 'policy_refresh_continuous_aggregate' and (j.config ->> 'mat_hypertable_id')::int = a.mat_hypertable_id
join timescaledb_information.job_stats s on s.job_id = j.job_id
where s.job_status = 'Running'

-- Faults of hypertables and jobs: rows in the root table of a hypertable, outside any chunk, and TimescaleDB jobs that
-- call a missing procedure of the qicore schema. A locked root is skipped.
-- One row. TimescaleDB: 2.15
with taken as materialized (
  select distinct l.relation from pg_locks l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid is distinct from pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
)
select
  coalesce((
    select json_agg(json_build_object(
      'name', format('%I.%I', coalesce(a.user_view_schema, h.schema_name), coalesce(a.user_view_name, h.table_name)),
      'root', format('%I.%I', h.schema_name, h.table_name)
    ) order by h.id)
    from _timescaledb_catalog.hypertable h
    join pg_namespace n on n.nspname = h.schema_name
    join pg_class r on r.relname = h.table_name and r.relnamespace = n.oid
    left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id
    where h.compression_state <> 2
      and case when r.oid not in (select relation from taken where relation is not null) then pg_relation_size(r.oid) end > 0
  ), '[]') as roots,
  array(
    select format('%s (%I.%I)', j.job_id, j.proc_schema, j.proc_name)
    from timescaledb_information.jobs j
    where j.proc_schema = 'qicore'
      and not exists (
        select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = j.proc_schema and p.proname = j.proc_name
      )
    order by j.job_id
  ) as broken_gates

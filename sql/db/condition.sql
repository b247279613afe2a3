-- Faults of hypertables and jobs: rows in the root table of a hypertable, outside any chunk, and TimescaleDB jobs that
-- call a missing procedure of the qicore schema. A locked root is skipped.
-- Sent with server.sql, before it is known whether the database has TimescaleDB: its catalog is read only if it does, by
-- query_to_xml, whose text is parsed when it runs. In hex, the JSON has no character that XML would escape.
-- One row, null without TimescaleDB. TimescaleDB: not needed; reads 2.15 and later.
select convert_from(decode(substring(found.answer from '<json>([0-9a-f]*)</json>'), 'hex'), 'UTF8')::json as condition
from (
  select case when exists (select from pg_extension where extname = 'timescaledb') then query_to_xml($query$
with taken as materialized (
  select distinct l.relation from pg_locks l
  where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid is distinct from pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
)
select encode(convert_to(json_build_object(
  'roots', coalesce((
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
  ), '[]'),
  'broken_gates', array(
    select format('%s (%I.%I)', j.job_id, j.proc_schema, j.proc_name)
    from timescaledb_information.jobs j
    where j.proc_schema = 'qicore'
      and not exists (
        select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = j.proc_schema and p.proname = j.proc_name
      )
    order by j.job_id
  )
)::text, 'UTF8'), 'hex') as json
$query$, false, false, '')::text end as answer
) as found

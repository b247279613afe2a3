-- Enabled event triggers of users that run at commands of which qicore-db plans some; those of extensions are left out.
-- No parameters. Locks nothing. TimescaleDB: not needed.
select e.evtname as name, e.evtevent as event, e.evtfoid::regproc::text as function, coalesce(e.evttags, '{}') as tags
from pg_event_trigger e
where e.evtenabled <> 'D'
  and e.evtevent in ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')
  and not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = e.oid and d.deptype = 'e')
order by 1

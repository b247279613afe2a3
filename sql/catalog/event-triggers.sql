-- Event triggers that would fire in this session at commands that change schemas; `extension` is null for one of a user.
-- Those of TimescaleDB, Citus and pg_cron are left out: they follow such a command and do not refuse it.
-- No parameters. Locks nothing. TimescaleDB: not needed.
select e.evtname as name, e.evtevent as event, e.evtfoid::regproc::text as function, coalesce(e.evttags, '{}') as tags, x.extname as extension
from pg_event_trigger e
left join pg_depend d on d.classid = 'pg_event_trigger'::regclass and d.objid = e.oid and d.deptype = 'e'
left join pg_extension x on x.oid = d.refobjid
where e.evtevent in ('ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite')
  and e.evtenabled = any (case current_setting('session_replication_role') when 'replica' then '{R,A}' else '{O,A}' end::"char"[])
  -- The setting exists from PostgreSQL 17 on.
  and coalesce(current_setting('event_triggers', true), 'on') = 'on'
  and coalesce(x.extname not in ('timescaledb', 'citus', 'citus_columnar', 'pg_cron'), true)
order by 1

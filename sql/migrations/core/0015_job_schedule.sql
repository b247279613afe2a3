-- version: 1.15.0
-- description: job_calendar is called job_schedule, and its column told runner_explicit
alter table qicore.job_calendar rename to job_schedule;
alter table qicore.job_schedule rename column told to runner_explicit;
comment on table qicore.job_schedule is 'The versions of each job''s schedule: from when each was in force, and who changed or paused the job. Rows are only added.';
comment on column qicore.job_schedule.runner_explicit is 'Whether the configuration names the runner.';

-- Also the NOT NULL constraints, which have names from PostgreSQL 18 on.
do $$
declare
  former name;
begin
  for former in
    select c.conname from pg_catalog.pg_constraint c
    where c.conrelid = 'qicore.job_schedule'::pg_catalog.regclass and c.conname like 'job\_calendar\_%'
    order by c.conname
  loop
    execute pg_catalog.format(
      'alter table qicore.job_schedule rename constraint %I to %I', former,
      replace(replace(former, 'job_calendar', 'job_schedule'), '_told_', '_runner_explicit_')
    );
  end loop;
end
$$;

-- A daemon of the older program continues to read and add rows by the former names until it is restarted, and so does
-- qicore.begin_job until its new text is installed. A later migration drops the view, when no supported program uses it.
create view qicore.job_calendar as
select job, revision, valid_from, state, runner, schedule, timezone, commands, runner_explicit as told, actor, reason, set_at
from qicore.job_schedule;
comment on view qicore.job_calendar is 'qicore.job_schedule under the names before core.1.15.0, for daemons of older programs.';

-- The roles that could use the table can use the view.
do $$
declare
  held record;
begin
  for held in
    select case a.grantee when 0 then 'public' else a.grantee::pg_catalog.regrole::text end as role, a.privilege_type as privilege
    from pg_catalog.pg_class c cross join lateral pg_catalog.aclexplode(c.relacl) a
    where c.oid = 'qicore.job_schedule'::pg_catalog.regclass and a.grantee <> c.relowner
      and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  loop
    execute pg_catalog.format('grant %s on qicore.job_calendar to %s', held.privilege, held.role);
  end loop;
end
$$;

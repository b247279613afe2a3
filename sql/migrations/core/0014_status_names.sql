-- version: 1.14.0
-- description: Statuses late-done and partly are called done_late and partial
-- The strongest lock first: nothing that waits for it holds a weaker one of this transaction.
alter table qicore.maintenance_log drop constraint maintenance_log_status_check;
alter table qicore.maintenance_step drop constraint maintenance_step_status_check;

-- An older daemon, and a procedure of pg_cron that began before this migration, still write the old names.
create function qicore.rename_status() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.status := case new.status when 'late-done' then 'done_late' when 'partly' then 'partial' else new.status end;
  return new;
end
$$;
create trigger rename_status before insert or update of status on qicore.maintenance_log
for each row when (new.status in ('late-done', 'partly')) execute function qicore.rename_status();

update qicore.maintenance_log
set status = case status when 'late-done' then 'done_late' else 'partial' end
where status in ('late-done', 'partly');
update qicore.maintenance_step
set status = case status when 'late-done' then 'done_late' else 'partial' end
where status in ('late-done', 'partly');

alter table qicore.maintenance_log add constraint maintenance_log_status_check
  check (status in ('running', 'done', 'failed', 'partial', 'done_late', 'skipped', 'interrupted'));
alter table qicore.maintenance_step add constraint maintenance_step_status_check
  check (status in ('running', 'done', 'failed', 'partial', 'done_late', 'skipped', 'interrupted'));

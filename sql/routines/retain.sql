-- Gated retention of one table, as a job of TimescaleDB's scheduler, of pg_cron or of the daemon:
-- CALL qicore.retain(0, '{"object": "public.ohlcv_data"}'), with "job" and its name if the run belongs to a job.
-- Drops the chunks or partitions older than qicore.policies says, the oldest first, each range in a transaction of its
-- own. It keeps the newest range; everything beyond maxDropPerRun chunks (a single range may have more); every range
-- that an aggregate over the table, or over such an aggregate, has not covered or whose coverage cannot be read; and
-- all of them if the newest row is older than the retention, because the feed may have stopped and this may be the last
-- copy.
-- A retention with stages detaches the partitions instead, then moves and drops those that it detached before, as far as
-- they are due. It exports nothing: what has to be exported first is kept, with that reason. A retention that exports each
-- chunk before its drop is refused as a whole: qicore-db carries it out.
-- A policy that differs from the confirmed one is refused; if it is changed during the run, the rest is kept. After the
-- permitted drops, the procedure raises an error that names what was kept and why.
-- A procedure with a SET clause cannot COMMIT, so the settings are made in the body.
-- since: core.1.19.0
-- requires: retain_detach, retain_stages, retain_stage
create or replace procedure qicore.retain(job_id integer, config jsonb)
language plpgsql
as $$
declare
  object_name text;
  subject regclass;
  policy jsonb;
  scale record;
  drop_ranges jsonb;
  drop_range record;
  relation text;
  noun text;
  staged boolean;
  stage_tasks jsonb;
  stage record;
  verb text;
  stage_drops integer := 0;
  log_id bigint;
  max_drop integer;
  dropped integer := 0;
  kept integer := 0;
  has_recent_rows boolean := false;
  gone boolean;
  refusal text;
  refusal_hint text;
  reason text;
  outcome text;
  first_reason text;
  began timestamptz;
begin
  perform qicore.retain_settings();
  object_name := config ->> 'object';
  if config ->> 'job' is not null then
    -- The record is opened first, so that the refusals below are recorded as well.
    log_id := qicore.begin_job(config ->> 'job', concat('retain ', object_name), object_name);
    commit;
    if log_id is null then
      return;
    end if;
    perform qicore.retain_settings();
  end if;
  subject := to_regclass(object_name);
  select p.config into policy from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject;
  if lower(current_setting('timescaledb.restoring', true)) in ('on', 'true', 'yes', '1') then
    refusal := format('%s: the database is in restore mode (timescaledb.restoring is on); nothing was dropped', object_name);
    refusal_hint := 'When the restore has ended: select timescaledb_post_restore();';
  elsif subject is null then
    refusal := format('retention: table %s does not exist', coalesce(object_name, '(config has no object)'));
    refusal_hint := 'Remove the job, or name an existing table in its config.';
  elsif policy is null then
    refusal := format('%s: qicore.policies declares no retention', object_name);
    refusal_hint := 'To declare it: qicore-db policies apply. Otherwise remove the job.';
  elsif policy #>> '{consent,hash}' is distinct from qicore.retention_hash(object_name, policy)
    or coalesce(config ->> 'hash', policy #>> '{consent,hash}') is distinct from policy #>> '{consent,hash}'
  then
    refusal := format('%s: the declared retention (older than %s, at most %s a run) is not confirmed; nothing was dropped', object_name, coalesce(policy ->> 'after', policy ->> 'detach', policy ->> 'drop'), policy ->> 'maxDropPerRun');
    refusal_hint := 'To confirm it: qicore-db policies apply';
  elsif policy ? 'export' then
    refusal := format('%s: its chunks are exported before they are dropped, and a routine in the database cannot write files; nothing was dropped', object_name);
    refusal_hint := 'Run a daemon, or qicore-db jobs run retain.';
  end if;
  if refusal is not null then
    update qicore.maintenance_log l set status = 'failed', completed_at = qicore.now(), error = refusal where l.id = log_id;
    commit;
    raise exception using errcode = case when subject is null then '42P01' else '55000' end, message = refusal, hint = refusal_hint;
  end if;
  noun := case when (select c.relkind from pg_catalog.pg_class c where c.oid = subject) = 'p' then 'partition' else 'chunk' end;
  staged := policy ? 'detach';
  verb := case when staged then 'detach' else 'drop' end;
  max_drop := coalesce((policy ->> 'maxDropPerRun')::integer, 8);
  select s.* into scale from qicore.retain_scale(subject, policy) s;
  if log_id is null then
    insert into qicore.maintenance_log (operation, job, actor, status, started_at, detail)
    values ('retain ' || object_name, null, session_user, 'running', clock_timestamp(), jsonb_build_object('pid', pg_backend_pid()))
    returning id into log_id;
  end if;
  update qicore.maintenance_log l
  set detail = coalesce(l.detail, '{}') || jsonb_build_object('job', job_id, 'after', coalesce(policy ->> 'after', policy ->> 'detach'), 'cutoff', scale.cutoff_text)
  where l.id = log_id;
  commit;

  perform qicore.retain_settings();
  begin
    select jsonb_agg(to_jsonb(p) order by p.low, p.high) into drop_ranges from qicore.retain_pieces(subject, scale.cutoff) p where p.old and not p.newest;
    -- A detach loses no row, so it is done also if no new rows arrive.
    if drop_ranges is not null and not staged then
      -- From the newest: usually the first relation has a recent row, and no other is opened.
      foreach relation in array array(
        select r.name from qicore.retain_pieces(subject, scale.cutoff) p cross join lateral unnest(p.relations) as r (name) where not p.old order by p.low desc
      ) loop
        execute format('select exists (select 1 from %s where %I >= %s and %I <= %s)', relation, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
        into has_recent_rows;
        exit when has_recent_rows;
      end loop;
      if not has_recent_rows then
        first_reason := 'the newest row is older than the retention, so these may be the last copy';
      end if;
    end if;
  exception when others then
    first_reason := sqlerrm || ' [' || sqlstate || ']';
  end;
  if first_reason is not null then
    kept := greatest(1, jsonb_array_length(drop_ranges));
    drop_ranges := null;
  end if;
  commit;

  if staged then
    -- Read before any detach: what is detached in this run goes on to its next stage in a later one.
    perform qicore.retain_settings();
    select jsonb_agg(to_jsonb(s)) into stage_tasks from qicore.retain_stages(subject, policy) s;
    commit;
  end if;

  for number in 0 .. coalesce(jsonb_array_length(drop_ranges), 0) - 1 loop
    select p.* into drop_range from jsonb_to_record(drop_ranges -> number) as p (low bigint, high bigint, label text, relations text[]);
    exit when dropped > 0 and dropped + cardinality(drop_range.relations) > max_drop;
    perform qicore.retain_settings();
    began := clock_timestamp();
    outcome := 'done';
    begin
      if not exists (select from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject and p.config = policy) then
        reason := 'the policy was changed during the run';
      elsif staged then
        reason := qicore.retain_detach(subject, scale.column_name, scale.column_type, drop_range.relations[1], drop_range.low, drop_range.high, scale.now, policy ->> 'timeUnit');
      else
        reason := qicore.retain_range(subject, scale.column_name, scale.column_type, drop_range.relations, drop_range.low, drop_range.high, scale.now);
      end if;
      if reason is not null then
        outcome := 'skipped';
      end if;
    exception when others then
      outcome := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    -- Another session may have dropped the range meanwhile.
    gone := outcome <> 'done' and not exists (select from unnest(drop_range.relations) as name where to_regclass(name) is not null);
    if gone then
      outcome := 'skipped';
      reason := 'already dropped';
    elsif outcome = 'done' then
      dropped := dropped + cardinality(drop_range.relations);
    else
      kept := kept + cardinality(drop_range.relations);
      first_reason := coalesce(first_reason, format('%s (%s): %s', array_to_string(drop_range.relations, ', '), drop_range.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, verb || ' ' || array_to_string(drop_range.relations, ', '), number, outcome, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', drop_range.label, 'note', case when outcome = 'skipped' then reason end)), case when outcome = 'failed' then reason end);
    commit;
  end loop;

  for number in 0 .. coalesce(jsonb_array_length(stage_tasks), 0) - 1 loop
    select s.* into stage from jsonb_to_record(stage_tasks -> number) as s (id bigint, relation text, task text, label text, why text);
    continue when stage.task = 'drop' and stage.why is null and stage_drops >= max_drop;
    perform qicore.retain_settings();
    began := clock_timestamp();
    reason := stage.why;
    outcome := case when reason is null then 'done' else 'skipped' end;
    begin
      if reason is null and not exists (select from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject and p.config = policy) then
        reason := 'the policy was changed during the run';
        outcome := 'skipped';
      elsif reason is null then
        perform qicore.retain_stage(stage.id, policy, stage.task);
      end if;
    exception when others then
      outcome := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    if outcome = 'done' then
      dropped := dropped + 1;
      stage_drops := stage_drops + case stage.task when 'drop' then 1 else 0 end;
    else
      kept := kept + 1;
      first_reason := coalesce(first_reason, format('%s %s (%s): %s', stage.task, stage.relation, stage.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, stage.task || ' ' || stage.relation, coalesce(jsonb_array_length(drop_ranges), 0) + number, outcome, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', stage.label, 'note', case when outcome = 'skipped' then reason end)), case when outcome = 'failed' then reason end);
    commit;
  end loop;

  perform qicore.retain_settings();
  update qicore.maintenance_log l
  set status = case when kept = 0 then 'done' when dropped = 0 then 'failed' else 'partial' end, completed_at = clock_timestamp(), attempts = 1, error = first_reason
  where l.id = log_id;
  commit;
  if kept > 0 then
    raise exception using errcode = '55000',
      message = case
        when staged then format('%s: %s that %s due and not done: %s', object_name, case when kept = 1 then '1 stage' else format('%s stages', kept) end, case when kept = 1 then 'is' else 'are' end, first_reason)
        else format('%s: %s older than %s not dropped: %s', object_name, format('%s %s%s', kept, noun, case when kept = 1 then '' else 's' end), policy ->> 'after', first_reason)
      end;
  end if;
end
$$;

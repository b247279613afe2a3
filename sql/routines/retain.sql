-- Gated retention of one table, as a job of TimescaleDB's own scheduler, of pg_cron or of ours:
-- CALL qicore.retain(0, '{"object": "public.ohlcv_data"}'). Drops the chunks or partitions older than qicore.policies
-- says, the oldest first and each in a transaction of its own. Never those of the newest range, never more than
-- maxDropPerRun, never what an aggregate over the table (or over such an aggregate) has not covered, and nothing at all
-- where the newest row is older than the retention: of a dead feed that is the last copy. What differs from what was
-- agreed to is blocked. What cannot be read counts as not covered. Ends in an error that says what was held back, after
-- having done the rest.
-- No SET clause here: a procedure that has one cannot COMMIT.
create procedure qicore.retain(job_id integer, config jsonb)
language plpgsql
as $$
declare
  wanted text;
  subject regclass;
  policy jsonb;
  scale record;
  pieces jsonb;
  piece record;
  relation text;
  log_id bigint;
  most integer;
  dropped integer := 0;
  held integer := 0;
  alive boolean := false;
  reason text;
  fate text;
  first_reason text;
  began timestamptz;
begin
  perform qicore.retain_settings();
  wanted := config ->> 'object';
  subject := to_regclass(wanted);
  if subject is null then
    raise exception using errcode = '42P01', message = format('retention: there is no table %s', coalesce(wanted, '(config names none)'));
  end if;
  select p.config into policy from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject;
  if not found then
    raise exception using errcode = '55000', message = format('%s: no retention is declared in qicore.policies', wanted),
      hint = 'qicore-db policies apply declares it, or remove the job.';
  end if;
  if policy #>> '{consent,hash}' is distinct from qicore.retention_hash(wanted, policy)
    or coalesce(config ->> 'hash', policy #>> '{consent,hash}') is distinct from policy #>> '{consent,hash}'
  then
    raise exception using errcode = '55000',
      message = format('%s: what is declared (older than %s, at most %s a run) is not what was agreed to; nothing was dropped', wanted, policy ->> 'after', policy ->> 'maxDropPerRun'),
      hint = 'qicore-db policies apply --confirm <target> agrees to it.';
  end if;
  most := coalesce((policy ->> 'maxDropPerRun')::integer, 8);
  select s.* into scale from qicore.retain_scale(subject, policy) s;
  insert into qicore.maintenance_log (operation, job, actor, status, started_at, detail)
  values ('retain ' || wanted, null, session_user, 'running', clock_timestamp(), jsonb_build_object('job', job_id, 'after', policy ->> 'after', 'cutoff', scale.cutoff_text))
  returning id into log_id;
  commit;

  perform qicore.retain_settings();
  select jsonb_agg(to_jsonb(p) order by p.low, p.relation) into pieces from qicore.retain_pieces(subject, scale.cutoff) p where p.old and not p.newest;
  if pieces is not null then
    -- The newest first: usually the first answer is yes, and nothing else is opened.
    foreach relation in array array(select p.relation from qicore.retain_pieces(subject, scale.cutoff) p where not p.old order by p.low desc) loop
      execute format('select exists (select from %s where %I >= %s and %I <= %s)', relation, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
      into alive;
      exit when alive;
    end loop;
    if not alive then
      first_reason := 'its newest row is older than that, and a feed that is dead leaves its last copy here';
      held := jsonb_array_length(pieces);
      pieces := null;
    end if;
  end if;
  commit;

  for number in 0 .. coalesce(jsonb_array_length(pieces), 0) - 1 loop
    exit when dropped >= most;
    perform qicore.retain_settings();
    select p.* into piece from jsonb_to_record(pieces -> number) as p (low bigint, high bigint, label text, relation text);
    began := clock_timestamp();
    fate := 'skipped';
    begin
      reason := qicore.retain_uncovered(subject, scale.column_name, scale.column_type, piece.relation, piece.low, piece.high, scale.now);
      if reason is null then
        perform qicore.retain_drop(subject, piece.relation,
          qicore.retain_literal(scale.column_type, piece.low), qicore.retain_literal(scale.column_type, piece.high));
        fate := 'done';
      end if;
    exception when others then
      fate := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    if fate = 'done' then
      dropped := dropped + 1;
    else
      held := held + 1;
      first_reason := coalesce(first_reason, format('%s (%s): %s', piece.relation, piece.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, 'drop ' || piece.relation, number, fate, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', piece.label, 'note', case when fate = 'skipped' then reason end)), case when fate = 'failed' then reason end);
    commit;
  end loop;

  perform qicore.retain_settings();
  update qicore.maintenance_log l
  set status = case when held = 0 then 'done' when dropped = 0 then 'failed' else 'partly' end, completed_at = clock_timestamp(), attempts = 1, error = first_reason
  where l.id = log_id;
  commit;
  if held > 0 then
    raise exception using errcode = '55000',
      message = format('%s: %s older than %s not dropped: %s', wanted, case when held = 1 then '1 chunk' else held || ' chunks' end, policy ->> 'after', first_reason);
  end if;
end
$$;

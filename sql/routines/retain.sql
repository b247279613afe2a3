-- Gated retention of one table, as a job of TimescaleDB's own scheduler, of pg_cron or of ours:
-- CALL qicore.retain(0, '{"object": "public.ohlcv_data"}'), with "job" and its name where the run is an occurrence of
-- one. Drops the chunks or partitions older than qicore.policies says, the oldest first and each range in a transaction
-- of its own. Never those of the newest range, never more chunks than maxDropPerRun (unless one range alone has more),
-- never what an aggregate over the table (or over such an aggregate) has not covered, and nothing at all where the
-- newest row is older than the retention: of a dead feed that is the last copy. What differs from what was agreed to is
-- blocked; a declaration that is changed meanwhile stops the run. What cannot be read counts as not covered. Ends in an
-- error that says what was held back, after having done the rest.
-- No SET clause here: a procedure that has one cannot COMMIT.
-- since: core.1.14.0
create or replace procedure qicore.retain(job_id integer, config jsonb)
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
  noun text;
  log_id bigint;
  most integer;
  dropped integer := 0;
  held integer := 0;
  alive boolean := false;
  gone boolean;
  refusal text;
  advice text;
  reason text;
  outcome text;
  first_reason text;
  began timestamptz;
begin
  perform qicore.retain_settings();
  wanted := config ->> 'object';
  if config ->> 'job' is not null then
    -- Of a schedule: what is refused below is written down too.
    log_id := qicore.begin_job(config ->> 'job', concat('retain ', wanted), wanted);
    commit;
    if log_id is null then
      return;
    end if;
    perform qicore.retain_settings();
  end if;
  subject := to_regclass(wanted);
  select p.config into policy from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject;
  if lower(current_setting('timescaledb.restoring', true)) in ('on', 'true', 'yes', '1') then
    refusal := format('%s: the database is in restore mode (timescaledb.restoring is on); nothing was dropped', wanted);
    advice := 'When the restore has ended: select timescaledb_post_restore();';
  elsif subject is null then
    refusal := format('retention: there is no table %s', coalesce(wanted, '(config names none)'));
    advice := 'Remove the job, or name a table that is there.';
  elsif policy is null then
    refusal := format('%s: no retention is declared in qicore.policies', wanted);
    advice := '`qicore-db policies apply` declares it, or remove the job.';
  elsif policy #>> '{consent,hash}' is distinct from qicore.retention_hash(wanted, policy)
    or coalesce(config ->> 'hash', policy #>> '{consent,hash}') is distinct from policy #>> '{consent,hash}'
  then
    refusal := format('%s: what is declared (older than %s, at most %s a run) is not what was agreed to; nothing was dropped', wanted, policy ->> 'after', policy ->> 'maxDropPerRun');
    advice := '`qicore-db policies apply` asks for the confirmation.';
  end if;
  if refusal is not null then
    update qicore.maintenance_log l set status = 'failed', completed_at = qicore.now(), error = refusal where l.id = log_id;
    commit;
    raise exception using errcode = case when subject is null then '42P01' else '55000' end, message = refusal, hint = advice;
  end if;
  noun := case when (select c.relkind from pg_catalog.pg_class c where c.oid = subject) = 'p' then 'partition' else 'chunk' end;
  most := coalesce((policy ->> 'maxDropPerRun')::integer, 8);
  select s.* into scale from qicore.retain_scale(subject, policy) s;
  if log_id is null then
    insert into qicore.maintenance_log (operation, job, actor, status, started_at, detail)
    values ('retain ' || wanted, null, session_user, 'running', clock_timestamp(), jsonb_build_object('pid', pg_backend_pid()))
    returning id into log_id;
  end if;
  update qicore.maintenance_log l
  set detail = coalesce(l.detail, '{}') || jsonb_build_object('job', job_id, 'after', policy ->> 'after', 'cutoff', scale.cutoff_text)
  where l.id = log_id;
  commit;

  perform qicore.retain_settings();
  begin
    select jsonb_agg(to_jsonb(p) order by p.low, p.high) into pieces from qicore.retain_pieces(subject, scale.cutoff) p where p.old and not p.newest;
    if pieces is not null then
      -- The newest first: usually the first answer is yes, and nothing else is opened.
      foreach relation in array array(
        select r.name from qicore.retain_pieces(subject, scale.cutoff) p cross join lateral unnest(p.relations) as r (name) where not p.old order by p.low desc
      ) loop
        execute format('select exists (select 1 from %s where %I >= %s and %I <= %s)', relation, scale.column_name, scale.cutoff_sql, scale.column_name, scale.future_sql)
        into alive;
        exit when alive;
      end loop;
      if not alive then
        first_reason := 'its newest row is older than that, and a feed that is dead leaves its last copy here';
      end if;
    end if;
  exception when others then
    first_reason := sqlerrm || ' [' || sqlstate || ']';
  end;
  if first_reason is not null then
    held := greatest(1, jsonb_array_length(pieces));
    pieces := null;
  end if;
  commit;

  for number in 0 .. coalesce(jsonb_array_length(pieces), 0) - 1 loop
    select p.* into piece from jsonb_to_record(pieces -> number) as p (low bigint, high bigint, label text, relations text[]);
    exit when dropped > 0 and dropped + cardinality(piece.relations) > most;
    perform qicore.retain_settings();
    began := clock_timestamp();
    outcome := 'done';
    begin
      if not exists (select from qicore.policies p where p.kind = 'retention' and to_regclass(p.object) = subject and p.config = policy) then
        reason := 'the declaration was changed while this ran';
      else
        reason := qicore.retain_range(subject, scale.column_name, scale.column_type, piece.relations, piece.low, piece.high, scale.now);
      end if;
      if reason is not null then
        outcome := 'skipped';
      end if;
    exception when others then
      outcome := 'failed';
      reason := sqlerrm || ' [' || sqlstate || ']';
    end;
    -- Another session was faster.
    gone := outcome <> 'done' and not exists (select from unnest(piece.relations) as name where to_regclass(name) is not null);
    if gone then
      outcome := 'skipped';
      reason := 'already dropped';
    elsif outcome = 'done' then
      dropped := dropped + cardinality(piece.relations);
    else
      held := held + cardinality(piece.relations);
      first_reason := coalesce(first_reason, format('%s (%s): %s', array_to_string(piece.relations, ', '), piece.label, reason));
    end if;
    insert into qicore.maintenance_step (log_id, step, position, status, started_at, completed_at, attempts, detail, error)
    values (log_id, 'drop ' || array_to_string(piece.relations, ', '), number, outcome, began, clock_timestamp(), 1,
      jsonb_strip_nulls(jsonb_build_object('range', piece.label, 'note', case when outcome = 'skipped' then reason end)), case when outcome = 'failed' then reason end);
    commit;
  end loop;

  perform qicore.retain_settings();
  update qicore.maintenance_log l
  set status = case when held = 0 then 'done' when dropped = 0 then 'failed' else 'partial' end, completed_at = clock_timestamp(), attempts = 1, error = first_reason
  where l.id = log_id;
  commit;
  if held > 0 then
    raise exception using errcode = '55000',
      message = format('%s: %s older than %s not dropped: %s', wanted, format('%s %s%s', held, noun, case when held = 1 then '' else 's' end), policy ->> 'after', first_reason);
  end if;
end
$$;

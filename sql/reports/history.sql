-- Runs of every kind, newest first: started by hand, by daemons, by pg_cron and by TimescaleDB's jobs. Columns that an
-- older schema qicore lacks are null.
-- $1 table as SQL reads it, with or without a schema (null: all), $2 from this instant on (null: all), $3 one log id
-- (null: all), $4 rows, $5 only before this instant (null: all), $6 part of the actor's name (null: all), $7 stored
-- statuses (null: all). Runs recorded as running are always returned, in addition to $4 rows, because the caller
-- decides whether they still run. TimescaleDB: not needed.
select l.id, l.operation, l.job, l.scheduled_at, l.started_at, l.completed_at, l.status, coalesce(row.fields ->> 'reason', l.detail ->> 'reason') as reason,
  l.attempts, l.actor, l.claimed_by, row.fields ->> 'application' as application, l.target_host, l.error, l.detail,
  l.token is not null and l.status = 'running' and l.claimed_by is null as waits, l.lease_until,
  (select count(*)::int from qicore.maintenance_step s where s.log_id = l.id) as steps
from qicore.maintenance_log l
cross join lateral (select to_jsonb(l) as fields) row
where ($3::bigint is null or l.id = $3)
  and ($2::timestamptz is null or coalesce(l.scheduled_at, l.started_at, l.completed_at) >= $2)
  and ($5::timestamptz is null or coalesce(l.scheduled_at, l.started_at, l.completed_at) < $5)
  and ($6::text is null or position(lower($6) in lower(concat_ws(' ', l.claimed_by, l.actor))) > 0)
  and ($7::text[] is null or l.status = any ($7) or l.status = 'running')
  and ($1::text is null or exists (
    select from (
      select l.operation as text
      union all select l.detail ->> 'part'
      union all select jsonb_array_elements_text(case jsonb_typeof(l.detail -> 'tables') when 'array' then l.detail -> 'tables' end)
      union all select s.step from qicore.maintenance_step s where s.log_id = l.id
    ) named
    -- Matches the name as a whole word, not as the end of a longer name.
    where position(' ' || $1 || ' ' in ' ' || named.text || ' ') > 0
      or (position('.' in $1) = 0 and position('.' || $1 || ' ' in named.text || ' ') > 0)
  ))
order by coalesce(l.started_at, l.scheduled_at, l.completed_at) desc nulls last, l.id desc
limit $4::bigint + case when $7::text[] is null then 0 else (select count(*) from qicore.maintenance_log r where r.status = 'running') end

create function qicore.now() returns timestamptz
language sql volatile
return pg_catalog.clock_timestamp();
--> statement-breakpoint
create sequence qicore.claim_token;
--> statement-breakpoint
create table qicore.job (
  name text primary key,
  kind text not null,
  -- Grows with every change of the calendar: nothing can be claimed by an older one.
  revision bigint not null,
  -- Every instant up to here has its row in qicore.maintenance_log.
  last_at timestamptz not null,
  -- The token of the claim that works on it now; one at a time.
  running bigint,
  -- When the last one ended.
  free_at timestamptz,
  -- Rows up to here were pruned: an audit begins after it.
  pruned_until timestamptz
) with (fillfactor = 50);
--> statement-breakpoint
comment on table qicore.job is 'One row a scheduled job: how far its calendar is accounted for, and who works on it.';
--> statement-breakpoint
create table qicore.job_calendar (
  job text not null references qicore.job (name) on delete cascade,
  revision bigint not null,
  -- In force for instants after this one, until the next revision's.
  valid_from timestamptz not null,
  state text not null constraint job_calendar_state_check check (state in ('active', 'paused', 'removed')),
  runner text not null constraint job_calendar_runner_check check (runner in ('daemon', 'pg_cron')),
  schedule text not null,
  timezone text not null,
  -- What pg_cron runs for it, by part: {"": "call …"}, or a key for each table or aggregate that has a run of its own.
  commands jsonb,
  -- The runner was named, as opposed to being who happened to declare the job.
  told boolean not null default false,
  actor text not null,
  reason text,
  set_at timestamptz not null default clock_timestamp(),
  primary key (job, revision)
);
--> statement-breakpoint
comment on table qicore.job_calendar is 'Which schedule was in force when, and who changed or paused it: what an audit reckons by. Rows are only added.';
--> statement-breakpoint
create table qicore.daemon (
  id text primary key,
  host text not null,
  pid integer not null,
  version text not null,
  actor text not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz
);
--> statement-breakpoint
comment on table qicore.daemon is 'The daemons that worked here; one that was not seen for two minutes is gone.';
--> statement-breakpoint
create table qicore.timeline (
  system_identifier text not null,
  timeline integer not null,
  seen_at timestamptz not null default clock_timestamp(),
  seen_by text not null,
  primary key (system_identifier, timeline)
);
--> statement-breakpoint
comment on table qicore.timeline is 'Fail-overs and restores as daemons met them: rows of the minutes before one may be lost with the old server.';
--> statement-breakpoint
alter table qicore.maintenance_log add column reason text;
--> statement-breakpoint
alter table qicore.maintenance_log add column application text;
--> statement-breakpoint
alter table qicore.maintenance_log alter column application set default current_setting('application_name', true);
--> statement-breakpoint
insert into qicore.schema_versions (version, description, stream, checksum)
values ('core.1.10.0', 'Scheduled jobs: calendars in force, claims of occurrences, daemons, the server''s timelines', 'core', '21f4314420fc42cbe7dc0bbcf2dad3837267b3283c82d2a5caf944243b690257');

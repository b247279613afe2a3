-- Writes down the server's identity and timeline where they are new: what a fail-over or a restore changes.
-- $1 who saw it. TimescaleDB: not needed. A row where it was new: the one before, if any.
with here as materialized (
  -- A control file learns of a new timeline at its next checkpoint only; the WAL's name has it at once.
  select s.system_identifier::text as system_identifier, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int as timeline
  from pg_control_system() s
), before as materialized (
  select t.system_identifier, t.timeline from qicore.timeline t order by t.seen_at desc limit 1
), made as (
  insert into qicore.timeline (system_identifier, timeline, seen_by) select system_identifier, timeline, $1 from here
  on conflict do nothing
  returning system_identifier, timeline
)
select made.system_identifier, made.timeline, before.system_identifier as old_identifier, before.timeline as old_timeline
from made left join before on true

-- Records the server's system identifier and timeline if they are new: a failover or a restore changes them.
-- $1 the daemon that saw it. TimescaleDB: not needed. One row if it is new, with the previous values, if any.
with here as materialized (
  -- pg_control has a new timeline only after the next checkpoint; the name of the WAL file has it at once.
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

-- Records the server's system identifier and timeline if they are new: a failover or a restore changes them. The new server
-- may lack the last transactions of the old one, and with them the values of qicore.claim_token that they took. Skipping
-- values keeps it from issuing those tokens again, by which a daemon could write the result of a lost claim into the
-- row of another. A random number of them, because the next failover may lose the skipped values too. setval would need a
-- privilege that daemons do not have.
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
select made.system_identifier, made.timeline, before.system_identifier as old_identifier, before.timeline as old_timeline,
  case when before.timeline is not null then (select count(nextval('qicore.claim_token')) from generate_series(1, 100000 + (random() * 100000)::int)) end as skipped
from made left join before on true

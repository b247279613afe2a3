-- What keeps VACUUM from removing dead rows: the session, the prepared transaction and the replication slot with the
-- oldest snapshot. Transactions of other databases hold back only shared catalogs and are left out; slots hold back
-- every database.
-- No parameters. Locks nothing. TimescaleDB: not needed.
(
  select 'session' as kind, a.pid::text as name, a.xact_start as since, greatest(age(a.backend_xmin), age(a.backend_xid)) as transactions
  from pg_stat_activity a
  where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xmin is not null or a.backend_xid is not null)
    and a.backend_type = 'client backend'
  order by 4 desc nulls last limit 1
)
union all
(
  select 'prepared_transaction', p.gid, p.prepared, age(p.transaction)
  from pg_prepared_xacts p where p.database = current_database()
  order by 4 desc limit 1
)
union all
(
  select 'replication_slot', s.slot_name, null, greatest(age(s.xmin), age(s.catalog_xmin))
  from pg_replication_slots s where s.xmin is not null or s.catalog_xmin is not null
  order by 4 desc nulls last limit 1
)

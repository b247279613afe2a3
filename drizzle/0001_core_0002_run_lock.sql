create table qicore.run_lock (
  name text primary key,
  holder text not null,
  -- Grows with every holder: a run that lost the lock and comes back shows an old one.
  token bigint not null,
  acquired_at timestamptz not null,
  lease_until timestamptz not null,
  released_at timestamptz,
  -- Null where a pooler stands between and the lease alone says whether the holder lives.
  backend_pid integer
);
--> statement-breakpoint
comment on table qicore.run_lock is 'One row a thing that only one run may work on; token fences off a run that lost it.';
--> statement-breakpoint
insert into qicore.schema_versions (version, description, stream, checksum)
values ('core.1.1.0', 'Locks of a whole run, kept in rows so that they work through a transaction pooler', 'core', 'e2459099f8846e4772951fd2a095aecb600e43d114af8b3a635a8174392199a8');

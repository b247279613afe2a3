-- version: 1.19.0
-- description: Partitions that were detached and kept
create table qicore.detached_partition (
  id bigint generated always as identity constraint detached_partition_pkey primary key,
  set_schema text not null,
  set_table text not null,
  -- Finds the table after it was renamed or moved, and no other table that got its name.
  relation oid not null,
  schema text not null,
  partition text not null,
  key_column text not null,
  lower_bound text not null,
  upper_bound text not null,
  -- Microseconds since 1970; null where the range is open. Of a key without a time zone the local time, read as UTC.
  range_start bigint,
  range_end bigint,
  zoned boolean not null,
  -- Distinguishes the attempts to detach it: an attempt completes or removes only its own row.
  attempt text not null,
  intended_at timestamptz not null default clock_timestamp(),
  detached_at timestamptz,
  detached_by text,
  -- The transaction that last changed the key column in pg_attribute: ATTACH and DETACH do, a rename or a move does not.
  detached_xid text,
  -- The first transaction whose rows the aggregates may not have computed; null if no aggregate needs the rows.
  seen text,
  counted_at timestamptz,
  moved_at timestamptz,
  exported_at timestamptz,
  exported_to text,
  exported_rows bigint,
  exported_bytes bigint,
  checksum text,
  dropped_at timestamptz
);
create unique index detached_partition_relation_key on qicore.detached_partition (relation) where dropped_at is null;
comment on table qicore.detached_partition is 'Partitions that were detached and kept, with the stages of retention that they have behind them. Without detached_at a detach was only intended.';

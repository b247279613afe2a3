-- version: 1.16.0
-- description: Daily sizes of tables, database and tablespaces, for the history of their growth
create table qicore.size_snapshot (
  day date not null,
  object_kind text not null constraint size_snapshot_kind_check check (object_kind in ('table', 'database', 'tablespace')),
  -- Empty for a database and a tablespace.
  schema text not null,
  name text not null,
  -- A table that was dropped and created again has another oid: its growth is not that of the former table.
  relation oid,
  taken_at timestamptz not null,
  total_bytes bigint,
  size_basis text constraint size_snapshot_basis_check check (size_basis in ('exact', 'estimated', 'mixed')),
  chunks integer,
  compressed_chunks integer,
  before_bytes bigint,
  after_bytes bigint,
  estimated_rows bigint,
  constraint size_snapshot_pkey primary key (day, object_kind, schema, name)
);
comment on table qicore.size_snapshot is 'One row for each object and UTC day, written by the job snapshot. Null: unknown.';
comment on column qicore.size_snapshot.size_basis is 'mixed: a part was locked or is elsewhere, so total_bytes is a lower bound.';

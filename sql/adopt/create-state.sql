-- The state of an adoption: one row, in the schema that the search_path names first. It is locked by every step, so that
-- a step of a killed run, which the server may still be running, and a step of the next run never overlap.
-- TimescaleDB: not needed.
create table state (
  phase text not null check (phase in ('copying', 'swapped', 'undone')),
  source oid not null, shadow oid not null, target text not null check (target in ('set', 'hypertable')),
  "column" text not null,
  key_columns text[] not null, written text not null, selected text not null, hashed text not null,
  every text not null, zone text not null, ahead int not null, fingerprint text not null,
  filenode oid, blocks bigint, copied bigint not null default 0, copied_to text, built text[] not null default '{}', verified text[] not null default '{}',
  started_at timestamptz not null default clock_timestamp(), swapped_at timestamptz
)

-- version: 1.12.0
-- description: Which text of each repeatable routine is installed here
create table qicore.routines (
  name text primary key,
  checksum text not null,
  program text not null,
  applied_at timestamptz not null default now()
);
comment on table qicore.routines is 'Routines that migrate up replaces when their file changes: one row a file of sql/routines, with the version of the program that installed it.';

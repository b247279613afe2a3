-- Up to which transaction everything that was written can be seen by now, and whether an aggregate of ours reads a table.
-- $1 the table as SQL reads it. TimescaleDB: not needed; wants our schema qicore. One row.
select pg_snapshot_xmin(pg_current_snapshot())::text as seen,
  exists (select from qicore.aggregates a where to_regclass(a.source) = to_regclass($1)) as watched

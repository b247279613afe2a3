-- Records sizes for a day. An object that another run has recorded in the meantime keeps its row.
-- $1 date, $2 timestamptz of the measurement, $3 the objects as JSON text. TimescaleDB: not needed.
insert into qicore.size_snapshot (
  day, object_kind, schema, name, relation, taken_at, total_bytes, size_basis, chunks, compressed_chunks, before_bytes, after_bytes, estimated_rows
)
select
  $1::date, r.object_kind, r.schema, r.name, r.relation, $2::timestamptz, r.total_bytes, r.size_basis, r.chunks, r.compressed_chunks,
  r.before_bytes, r.after_bytes, r.estimated_rows
from jsonb_to_recordset($3::jsonb) as r (
  object_kind text, schema text, name text, relation oid, total_bytes bigint, size_basis text, chunks integer, compressed_chunks integer,
  before_bytes bigint, after_bytes bigint, estimated_rows bigint
)
on conflict do nothing

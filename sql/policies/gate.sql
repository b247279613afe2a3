-- Chunks that are old enough for a gated retention, and why it would not drop them now: the oldest twenty ranges.
-- $1 qualified name of the table, $2 its row of qicore.policies. One row a chunk. TimescaleDB: not needed; needs the
-- schema qicore.
select r.relation,
  qicore.retain_obstacle($1::regclass, s.column_name, s.column_type, p.relations, p.low, p.high, s.now) as reason
from qicore.retain_scale($1::regclass, $2::jsonb) s
cross join lateral (
  select * from qicore.retain_pieces($1::regclass, s.cutoff) p where p.old and not p.newest order by p.low limit 20
) p
cross join lateral unnest(p.relations) as r (relation)

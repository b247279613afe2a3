-- What a gated retention would not drop now, though it is old enough, and why: the oldest twenty ranges.
-- $1 the table as SQL reads it, $2 its row of qicore.policies. One row a chunk. TimescaleDB: not needed; wants our
-- schema qicore.
select r.relation,
  qicore.retain_obstacle($1::regclass, s.column_name, s.column_type, p.relations, p.low, p.high, s.now) as reason
from qicore.retain_scale($1::regclass, $2::jsonb) s
cross join lateral (
  select * from qicore.retain_pieces($1::regclass, s.cutoff) p where p.old and not p.newest order by p.low limit 20
) p
cross join lateral unnest(p.relations) as r (relation)

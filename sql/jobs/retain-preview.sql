-- The ranges of a table that its gated retention would drop if they are covered, the oldest first.
-- $1 qualified name of the table. TimescaleDB: not needed. Rows: label, relations, most: the most relations in one run.
select p.label, p.relations, coalesce((q.config ->> 'maxDropPerRun')::int, 8) as most
from qicore.policies q
cross join lateral qicore.retain_scale(to_regclass($1), q.config) s
cross join lateral qicore.retain_pieces(to_regclass($1), s.cutoff) p
where q.kind = 'retention' and to_regclass(q.object) = to_regclass($1) and p.old and not p.newest
order by p.low, p.high

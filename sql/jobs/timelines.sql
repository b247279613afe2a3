-- Failovers and restores that daemons recorded; the first row, the original server, is not one.
-- $1 from this time on. TimescaleDB: not needed.
select t.system_identifier, t.timeline, t.seen_at, t.seen_by
from (select *, row_number() over (order by seen_at) as n from qicore.timeline) t
where t.n > 1 and t.seen_at >= $1
order by t.seen_at

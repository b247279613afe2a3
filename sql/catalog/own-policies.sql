-- Policies that jobs of ours enforce. The object is a name as SQL reads it. Spans are text, read by us: a row that
-- was written by hand may hold anything. TimescaleDB: not needed; wants our schema qicore.
select
  p.object, p.kind, p.config ->> 'after' as after, p.config ->> 'startOffset' as start_offset,
  p.config ->> 'endOffset' as end_offset, p.config ->> 'every' as every, p.config::text as config, p.set_by, p.set_at
from qicore.policies p

-- Policies of qicore.policies. The object is a name quoted as in SQL. Durations are text that the program parses: a row
-- that was edited by hand may contain anything. The order of rows is null where it is not an array. The age of a
-- retention with stages is that of its detach, and that of one with an export that of its drop. TimescaleDB: not needed; needs the schema qicore.
select
  p.object, p.kind, coalesce(p.config ->> 'after', p.config ->> 'detach', case when p.config ? 'export' then p.config ->> 'drop' end) as after, p.config ->> 'startOffset' as start_offset,
  p.config ->> 'endOffset' as end_offset, p.config ->> 'every' as every,
  case when jsonb_typeof(p.config -> 'segmentBy') = 'array' then array(select jsonb_array_elements_text(p.config -> 'segmentBy')) end as segment_by,
  case when jsonb_typeof(p.config -> 'orderBy') = 'array' then array(select jsonb_array_elements_text(p.config -> 'orderBy')) end as order_by,
  coalesce(p.config -> 'allowUpdates' = 'true'::jsonb, false) as allow_updates,
  p.config ? 'detach' as detaches, p.config::text as config, p.set_by, p.set_at
from qicore.policies p

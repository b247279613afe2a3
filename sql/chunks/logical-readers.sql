-- Publications and logical replication slots that send the changes of a hypertable's chunks: one row for each table and
-- publication that includes it (FOR TABLE, TABLES IN SCHEMA or ALL TABLES), and one row a slot of this database.
-- `deletes`: for a publication, whether it sends them; for a slot, whether its plugin decodes every table instead of
-- only published ones.
-- $1 oid[] of the hypertable and its chunks. TimescaleDB: not needed.
select p.pubname::text as publication, null::text as slot, t.relid::int8 as relation, p.pubdelete as deletes
from pg_publication p cross join lateral pg_get_publication_tables(p.pubname) as t
where t.relid = any ($1::oid[])
union all
select null, s.slot_name::text, null, s.plugin <> 'pgoutput'
from pg_replication_slots s
where s.slot_type = 'logical' and s.database = current_database()
order by 1, 2, 3

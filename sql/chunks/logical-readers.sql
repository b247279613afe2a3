-- Who is sent the changes of a hypertable's chunks: one row for each of these tables and each publication that has it
-- (by FOR TABLE, by its schema, or as one of ALL TABLES), and one a logical replication slot of this database.
-- `deletes`: of a publication whether it sends them, of a slot whether it decodes every table and not those of
-- publications alone.
-- $1 oid[] of the hypertable and its chunks. TimescaleDB: not needed.
select p.pubname::text as publication, null::text as slot, t.relid::int8 as relation, p.pubdelete as deletes
from pg_publication p cross join lateral pg_get_publication_tables(p.pubname) as t
where t.relid = any ($1::oid[])
union all
select null, s.slot_name::text, null, s.plugin <> 'pgoutput'
from pg_replication_slots s
where s.slot_type = 'logical' and s.database = current_database()
order by 1, 2, 3

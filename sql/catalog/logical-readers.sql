-- Who is sent the changes of a hypertable's chunks. One row a publication that has one of these tables
-- (by FOR TABLE, by its schema, or as one of ALL TABLES), and one a logical replication slot of this database.
-- relations: which of $1; `deletes`: of a publication whether it sends them, of a slot whether it decodes every table and
-- not those of publications alone.
-- $1 oid[] of the hypertable and its chunks. TimescaleDB: not needed.
select p.pubname::text as publication, null::text as slot, array_agg(t.relid::int8) as relations, p.pubdelete as deletes
from pg_publication p cross join lateral pg_get_publication_tables(p.pubname) as t
where t.relid = any ($1::oid[])
group by p.oid, p.pubname, p.pubdelete
union all
select null, s.slot_name::text, '{}', s.plugin <> 'pgoutput'
from pg_replication_slots s
where s.slot_type = 'logical' and s.database = current_database()
order by 1, 2

-- Foreign keys that reference a hypertable. Up to 2.28 TimescaleDB may drop the whole key together with the first chunk
-- and reports that in a NOTICE only (2.22 does); 2.29 drops no chunk of such a table.
-- $1 oid of the table. One row a key: name, of (the table that has it). TimescaleDB: not needed.
select quote_ident(k.conname) as name, format('%I.%I', n.nspname, c.relname) as of
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.confrelid = $1::oid and k.contype = 'f'
order by 2, 1

-- Returns those of some relations that exist, with their relkind: `r` an ordinary table, `p` a partitioned one, and so
-- on.
-- $1 text[] of names as SQL reads them. One row per existing relation. TimescaleDB: not needed.
select w.name, c.relkind as kind
from unnest($1::text[]) with ordinality as w (name, position)
join pg_class c on c.oid = to_regclass(w.name)
order by w.position

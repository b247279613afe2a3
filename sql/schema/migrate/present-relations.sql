-- Which of some relations are here already, and as what: `r` an ordinary table, `p` a partitioned one, and so on.
-- $1 text[] of names as SQL reads them. One row a relation that is here. TimescaleDB: not needed.
select w.name, c.relkind as kind
from unnest($1::text[]) with ordinality as w (name, position)
join pg_class c on c.oid = to_regclass(w.name)
order by w.position

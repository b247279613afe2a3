-- Publications that list partitions by name, or the partitioned table.
-- $1 the table, $2 text[] of its partitions, qualified names. `by_name`: the partition itself is listed, and stays in
-- the
-- publication when it is detached. Takes no lock. TimescaleDB: not needed.
select given.relation as partition, quote_ident(p.pubname) as publication, bool_or(r.prrelid = to_regclass(given.relation)) as by_name
from unnest($2::text[]) as given (relation)
join pg_publication_rel r on r.prrelid in (to_regclass($1), to_regclass(given.relation))
join pg_publication p on p.oid = r.prpubid
group by given.relation, p.pubname
order by 2, 1

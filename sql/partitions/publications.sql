-- Publications of partitions: by name, through the partitioned table, their schema or as all tables. `by_name`: the
-- partition stays in the publication when it is detached.
-- $1 the table, $2 text[] of its partitions, qualified names. Takes no lock. TimescaleDB: not needed.
select
  given.relation as partition,
  quote_ident(p.pubname) as publication,
  not exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = to_regclass($1))
    or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = to_regclass(given.relation)) as by_name
from unnest($2::text[]) as given (relation)
cross join pg_publication p
where exists (
  select from pg_get_publication_tables(p.pubname) t where t.relid in (to_regclass($1), to_regclass(given.relation))
) or exists (
  -- A publication of partitions through their roots leaves out a partition that is listed beside its table.
  select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = to_regclass(given.relation)
)
order by 2, 1

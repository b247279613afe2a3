-- How Citus distributes the tables of some schemas: a row for each distributed table, except partitions.
-- $1 text[] of schema names. Columns: schema, name, kind (reference, hash, local), column (null unless hash),
-- colocated (text[]: the other tables with the same shards on the same nodes, qualified and quoted, sorted).
-- TimescaleDB: not needed. Citus: 11.0
select
  n.nspname as schema,
  c.relname as name,
  case d.partmethod when 'h' then 'hash' when 'n' then case d.repmodel when 't' then 'reference' else 'local' end end as kind,
  case d.partmethod when 'h' then column_to_column_name(d.logicalrelid, d.partkey) end as "column",
  coalesce((
    select array_agg(format('%I.%I', m.nspname, o.relname) order by m.nspname, o.relname)
    from pg_dist_partition p
    join pg_class o on o.oid = p.logicalrelid and not o.relispartition
    join pg_namespace m on m.oid = o.relnamespace
    where d.partmethod = 'h' and p.colocationid = d.colocationid and p.logicalrelid <> d.logicalrelid
  ), '{}') as colocated
from pg_dist_partition d
join pg_class c on c.oid = d.logicalrelid and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any ($1::text[])
order by 1, 2

-- What moving detached tables to a schema or a tablespace needs, one row a table, by oid.
-- $1 int8[] oids of tables, $2 schema or null, $3 tablespace or null, $4 the role that moves them. `relations`: the table
-- and its sub-partitions, children first; `tables`: those of them that have storage outside of the tablespace; `indexes`:
-- their indexes outside of it. `problem`: why the move would fail, null if nothing is known. Takes no lock.
-- TimescaleDB: not needed.
with recursive below as (
  select given.oid as root, given.oid::oid as oid, 0 as depth from unnest($1::int8[]) as given (oid)
  union all
  select b.root, i.inhrelid, b.depth + 1 from below b join pg_inherits i on i.inhparent = b.oid
), place as (
  select b.root, b.depth, c.oid, c.relkind, c.relname, n.nspname, format('%I.%I', n.nspname, c.relname) as name, coalesce(s.spcname, home.spcname) as spcname
  from below b
  join pg_class c on c.oid = b.oid
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_tablespace s on s.oid = nullif(c.reltablespace, 0)
  cross join (select t.spcname from pg_database d join pg_tablespace t on t.oid = d.dattablespace where d.datname = current_database()) home
), index as (
  select p.root, format('%I.%I', n.nspname, c.relname) as name, coalesce(s.spcname, home.spcname) as spcname
  from place p
  join pg_index x on x.indrelid = p.oid
  join pg_class c on c.oid = x.indexrelid and c.relkind = 'i'
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_tablespace s on s.oid = nullif(c.reltablespace, 0)
  cross join (select t.spcname from pg_database d join pg_tablespace t on t.oid = d.dattablespace where d.datname = current_database()) home
)
select r.root as oid,
  array(select p.name from place p where p.root = r.root and ($2::text is not null and p.nspname <> $2::text) order by p.depth desc, p.name) as relations,
  array(select p.name from place p where p.root = r.root and p.relkind = 'r' and $3::text is not null and p.spcname <> $3::text order by p.name) as tables,
  array(select x.name from index x where x.root = r.root and $3::text is not null and x.spcname <> $3::text order by x.name) as indexes,
  case
    when $2::text is not null and to_regnamespace(quote_ident($2::text)) is null then format('schema %I does not exist', $2::text)
    when $2::text is not null and not has_schema_privilege($4::name, to_regnamespace(quote_ident($2::text))::oid, 'create')
      then format('role %I may not create tables in schema %I', $4::name, $2::text)
    when $3::text is not null and not exists (select from pg_tablespace t where t.spcname = $3::text) then format('tablespace %I does not exist', $3::text)
    when $3::text is not null and not has_tablespace_privilege($4::name, (select t.oid from pg_tablespace t where t.spcname = $3::text), 'create')
      then format('role %I may not create tables in tablespace %I', $4::name, $3::text)
    else (
      select format('%I.%I exists already', $2::text, c.relname)
      from place p join pg_class c on c.relname = p.relname and c.relnamespace = to_regnamespace(quote_ident($2::text))::oid
      where p.root = r.root and p.nspname <> $2::text limit 1
    )
  end as problem
from (select distinct root from below) r

-- The columns of a relation in their order, with the type under any domains. $1 the name of the relation, quoted as in SQL.
-- TimescaleDB: not needed
with recursive columns as (
  select a.attnum, a.attname, a.atttypid, a.atttypmod, t.oid as base, t.typtype, t.typbasetype,
    a.atttypmod as modifier, t.typtypmod
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
  union all
  select c.attnum, c.attname, c.atttypid, c.atttypmod, t.oid, t.typtype, t.typbasetype,
    case when c.modifier = -1 then c.typtypmod else c.modifier end, t.typtypmod
  from columns c
  join pg_type t on t.oid = c.typbasetype
  where c.typtype = 'd'
)
select attname as name, format_type(atttypid, atttypmod) as type, base::int8 as base, modifier
from columns
where typtype <> 'd'
order by attnum

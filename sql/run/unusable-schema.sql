-- The schema that a role may not use and whose name is in a message of the server, which has it in every language.
-- $1 name of the role, $2 the message. One row or none. TimescaleDB: not needed.
select n.nspname as name
from pg_namespace n
where not has_schema_privilege($1::name, n.oid, 'usage') and n.nspname <> 'qicore'
  and $2::text ~ concat('(^|[^[:alnum:]_])', regexp_replace(n.nspname, '([^[:alnum:]_])', '\\\1', 'g'), '([^[:alnum:]_]|$)')
order by length(n.nspname) desc
limit 1

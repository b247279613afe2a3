-- Whether a role may change the schema qicore: only the owner of it and members of the owner may.
-- $1 the role that changes are made as, null for the session's own. One row. TimescaleDB: not needed.
select coalesce(pg_has_role(coalesce($1::name, current_user), n.nspowner, 'USAGE'), false) as may
from pg_namespace n
where n.nspname = 'qicore'

-- Whether a role may change the schema qicore: only its owner and members of that role may.
-- $1 role that makes the changes, null for the session's role. One row. TimescaleDB: not needed.
select coalesce(pg_has_role(coalesce($1::name, current_user), n.nspowner, 'USAGE'), false) as may
from pg_namespace n
where n.nspname = 'qicore'

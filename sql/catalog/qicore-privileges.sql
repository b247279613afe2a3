-- The privileges on the qicore schema that a daemon needs and a role lacks; sql/roles.sql grants them. One row for each
-- object: `missing`, the statement that grants it, and whether it is needed to read (`reads`) or to change something.
-- No row for what the installed version of the schema does not have. Reads the catalog, because a name cannot be
-- resolved without USAGE on its schema.
-- $1 the role, null for the current user. TimescaleDB: not needed.
with needed (object, privilege) as (
  values
    ('qicore.maintenance_log', 'select'), ('qicore.maintenance_log', 'insert'), ('qicore.maintenance_log', 'update'),
    ('qicore.maintenance_step', 'select'), ('qicore.maintenance_step', 'insert'), ('qicore.maintenance_step', 'update'),
    ('qicore.job', 'select'), ('qicore.job', 'insert'), ('qicore.job', 'update'),
    ('qicore.job_schedule', 'select'), ('qicore.job_schedule', 'insert'),
    ('qicore.daemon', 'select'), ('qicore.daemon', 'insert'), ('qicore.daemon', 'update'), ('qicore.daemon', 'delete'),
    ('qicore.timeline', 'select'), ('qicore.timeline', 'insert'),
    ('qicore.run_lock', 'select'), ('qicore.run_lock', 'insert'), ('qicore.run_lock', 'update'),
    ('qicore.size_snapshot', 'select'), ('qicore.size_snapshot', 'insert'), ('qicore.size_snapshot', 'delete'),
    ('qicore.columnar_partition', 'select'), ('qicore.columnar_partition', 'insert'), ('qicore.columnar_partition', 'update'),
    ('qicore.columnar_partition', 'delete'), ('qicore.detached_partition', 'select'),
    ('qicore.detached_partition', 'insert'), ('qicore.detached_partition', 'update'), ('qicore.detached_partition', 'delete')
), me as (
  select coalesce($1::name, current_user) as role
), qicore as (
  select oid from pg_namespace where nspname = 'qicore'
), lacked (object, target, privilege, reads) as (
  select 'schema qicore', 'schema qicore', 'usage', true
  from me, qicore
  where not has_schema_privilege(me.role, qicore.oid, 'usage')
  union all
  select object, object, privilege, privilege = 'select'
  from needed
  join qicore on true
  join pg_class c on c.relnamespace = qicore.oid and c.relname = split_part(object, '.', 2)
  join me on not has_table_privilege(me.role, c.oid, privilege)
  union all
  select 'sequence qicore.claim_token', 'sequence qicore.claim_token', 'usage', false
  from qicore
  join pg_class c on c.relnamespace = qicore.oid and c.relname = 'claim_token'
  join me on not has_sequence_privilege(me.role, c.oid, 'usage')
  union all
  select routine, 'routine ' || routine, 'execute', false
  from qicore
  join pg_proc p on p.pronamespace = qicore.oid
  join me on not has_function_privilege(me.role, p.oid, 'execute')
  cross join lateral (
    select format('qicore.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as routine
  ) as named
)
select
  format('%s on %s', string_agg(privilege, ', ' order by privilege), object) as missing,
  format('grant %s on %s to %I', string_agg(privilege, ', ' order by privilege), target, me.role) as "grant",
  reads
from lacked, me
group by object, target, reads, me.role
order by object, reads desc

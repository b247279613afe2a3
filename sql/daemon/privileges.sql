-- The privileges on the qicore schema that a daemon needs and this role lacks.
-- $1 the role, null for the current user. TimescaleDB: not needed. One row for each missing grant. A table that the
-- installed version of the schema does not have yet needs none.
with needed (object, privilege) as (
  values
    ('qicore.maintenance_log', 'select'), ('qicore.maintenance_log', 'insert'), ('qicore.maintenance_log', 'update'),
    ('qicore.maintenance_step', 'select'), ('qicore.maintenance_step', 'insert'), ('qicore.maintenance_step', 'update'),
    ('qicore.job', 'select'), ('qicore.job', 'insert'), ('qicore.job', 'update'),
    ('qicore.job_schedule', 'select'), ('qicore.job_schedule', 'insert'),
    ('qicore.daemon', 'select'), ('qicore.daemon', 'insert'), ('qicore.daemon', 'update'), ('qicore.daemon', 'delete'),
    ('qicore.timeline', 'select'), ('qicore.timeline', 'insert'),
    ('qicore.run_lock', 'select'), ('qicore.run_lock', 'insert'), ('qicore.run_lock', 'update'),
    ('qicore.size_snapshot', 'select'), ('qicore.size_snapshot', 'insert'), ('qicore.size_snapshot', 'delete')
), me as (select coalesce($1::name, current_user) as role)
select 'usage on schema qicore' as missing from me where not has_schema_privilege(me.role, 'qicore', 'usage')
union all
select format('%s on %s', privilege, object) from needed, me where not has_table_privilege(me.role, to_regclass(object), privilege)
union all
select 'usage on sequence qicore.claim_token' from me where not has_sequence_privilege(me.role, 'qicore.claim_token', 'usage')

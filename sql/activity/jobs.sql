-- The jobs of TimescaleDB by the name that their sessions have, with the table or aggregate that they are for.
-- No parameters. Locks nothing. TimescaleDB: 2.15
select j.job_id as id, j.application_name as application, j.proc_schema || '.' || j.proc_name as procedure
from timescaledb_information.jobs j

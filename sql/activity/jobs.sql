-- The jobs of TimescaleDB with the application_name of their sessions and the procedure they call.
-- No parameters. Locks nothing. TimescaleDB: 2.15
select j.job_id as id, j.application_name as application, j.proc_schema || '.' || j.proc_name as procedure
from timescaledb_information.jobs j

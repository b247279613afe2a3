-- The last error of each job of TimescaleDB's scheduler that this role may see: those of its own jobs (from 2.18.2 to
-- 2.27.0 every role sees all). Running jobs have rows without an error.
-- One row a job. TimescaleDB: 2.15
select distinct on (e.job_id) e.job_id as id, e.finish_time as at, e.sqlerrcode as state, e.err_message as message
from timescaledb_information.job_errors e
where e.err_message is not null
order by e.job_id, e.start_time desc

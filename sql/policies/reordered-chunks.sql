-- Chunks that reorder policies have rewritten, as TimescaleDB records for each job.
-- $1 int[] of jobs. One row a job and chunk. TimescaleDB: 2.15
select s.job_id as job, s.chunk_id as chunk
from _timescaledb_internal.bgw_policy_chunk_stats s
where s.job_id = any ($1::int[]) and s.num_times_job_run > 0

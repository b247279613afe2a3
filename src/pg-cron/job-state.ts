/**
 * `altered`: the entry differs from the declaration; `inactive`: it is disabled in pg_cron; `unrecorded`: scheduled,
 * but the ledger does not name pg_cron as the runner; `leftover`: made by qicore-db, but no longer declared; `unknown`:
 * the role may not read pg_cron's jobs.
 */
export type CronJobState = 'ok' | 'missing' | 'altered' | 'inactive' | 'unrecorded' | 'leftover' | 'unknown'

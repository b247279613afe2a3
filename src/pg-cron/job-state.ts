/**
 * `altered`: not as it is declared; `inactive`: it was switched off in pg_cron; `unrecorded`: scheduled, and our
 * ledger does not know; `leftover`: ours, and not declared any more; `unknown`: this role may not look.
 */
export type CronJobState = 'ok' | 'missing' | 'altered' | 'inactive' | 'unrecorded' | 'leftover' | 'unknown'

/**
 * Whether a session or run was started by pg_cron: by its application_name, which the ledger stores in rows of every
 * version, or by the backend type of pg_cron's background workers. The only place outside sql/ that reads it.
 */
export function isPgCron(application: string | null): boolean {
  return application?.startsWith('pg_cron') ?? false
}

/** Whether a session belongs to qicore-db: its commands and its daemon connect as `qicore-db/<command>`. */
export function isOwnSession(application: string | null): boolean {
  return application?.startsWith('qicore-db/') ?? false
}

/**
 * Whether a run was started by pg_cron. What the server knows of a session is its application_name (of a background
 * worker of pg_cron the type of the backend), and the ledger keeps that: rows of every version have it. This is the one
 * place outside of sql/ that reads it.
 */
export function isPgCron(application: string | null): boolean {
  return application?.startsWith('pg_cron') ?? false
}

/** Whether a session is one of this program: its commands and its daemon connect as `qicore-db/<command>`. */
export function isOwnSession(application: string | null): boolean {
  return application?.startsWith('qicore-db/') ?? false
}

import {command} from '../units/command.js'

/** The command that creates a missing entry and corrects one that differs. */
export const entryFix = () => command('cron install')

/** Without its scheduler pg_cron starts no entry, and the daemon does not run what pg_cron is the runner of. */
export const deadScheduler = {
  problem: "pg_cron's scheduler is not running",
  fix: 'Add pg_cron to shared_preload_libraries and restart the server. If it is already there, see the server log.',
} as const

/** pg_cron starts a job within a minute of its due time. Milliseconds. */
export const cronMinute = 60_000

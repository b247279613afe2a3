import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {ExitCode, OpsError} from '../../errors.js'

export default class CronUninstall extends BaseCommand<typeof CronUninstall> {
  static override summary = 'Remove the jobs of this database from pg_cron; the daemon runs them again.'
  static override description =
    'Removes only entries that qicore-db created for this database, recognized by their name and the procedure ' +
    'that they call. The ledger assigns the jobs to the daemon first, so that a call by pg_cron in between does ' +
    'nothing. If pg_cron is no longer installed, only the ledger is changed. Without a daemon the jobs do not run ' +
    'afterwards.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --yes',
  ]
  static override flags = {...changeFlags}

  async run(): Promise<ChangeReport & {notes: readonly string[]}> {
    const [{withCronDatabase}, {uninstallPlan}, {actorOf}] = await Promise.all([
      import('../../pg-cron/cron-database.js'),
      import('../../pg-cron/request.js'),
      import('../../cli/actor.js'),
    ])
    const [config, limits] = [await this.loadConfig(), await this.limits()]
    return this.withDatabase(
      async (db) => {
        const {at} = await this.reportHead(db)
        const runUninstall = async (home: Parameters<typeof uninstallPlan>[1]) => {
          const {plan, notes} = await uninstallPlan(db, home, {config, limits, at, actor: actorOf(db.server)})
          for (const note of notes) this.report(note)
          return {
            ...(await this.confirmAndRun(db, plan, this.flags, home === null ? {} : {resolveSession: () => home.db})),
            notes,
          }
        }
        const gone: string[] = []
        const found = await withCronDatabase(db, this.connectOptions(false).applicationName, async (home) => ({
          report: await runUninstall(home),
        })).catch((error: unknown) => {
          // If pg_cron is only unreachable, its entries would continue to run, so this must fail.
          if (
            !(error instanceof OpsError) ||
            error.exitCode !== ExitCode.usage ||
            !['NO_PG_CRON', 'NOT_PRELOADED', 'NOT_CREATED'].includes(error.code)
          )
            throw error
          gone.push(error.message)
          return null
        })
        if (found !== null) return found.report
        for (const message of gone) this.report(message)
        return runUninstall(null)
      },
      {changes: true},
    )
  }
}

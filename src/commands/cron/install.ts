import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import type {LeftJob} from '../../pg-cron/wanted.js'

export default class CronInstall extends BaseCommand<typeof CronInstall> {
  static override summary = 'Let pg_cron run the declared jobs, in SQL, instead of a daemon.'
  static override description =
    `Schedules a CALL of our procedures for each job that pg_cron can run as it is declared: compression and statistics commit a chunk at a time and go on after one that fails; each refresh and each retention is an entry of its own, since its failure would take the others along. All of them write the same ledger as the daemon (qicore-db jobs history --audit).
Works in the database that pg_cron lives in, and from there for any other of the server (cron.schedule_in_database). What pg_cron has not (another time zone, seconds, windows, retries, catching up) is never left out silently: such a job stays with the daemon and is named; with "runner: pg_cron" it is refused. Entries of ours that nothing declares any more are removed; those of others are never touched. Safe to repeat: the second run changes nothing.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --target prod --yes',
  ]
  static override flags = {...changeFlags}

  async run(): Promise<ChangeReport & {left: readonly LeftJob[]; notes: readonly string[]}> {
    const [{withCronDatabase}, {installPlan}, {actorOf}] = await Promise.all([
      import('../../pg-cron/cron-database.js'),
      import('../../pg-cron/request.js'),
      import('../../cli/actor.js'),
    ])
    const [config, limits] = [await this.loadConfig(), await this.limits()]
    return this.withDatabase(
      (db) =>
        withCronDatabase(db, this.connectOptions(false).applicationName, async (home) => {
          const {at} = await this.reportHead(db)
          const {plan, left, notes} = await installPlan(db, home, {config, limits, at, actor: actorOf(db.server)})
          for (const note of notes) this.report(note)
          return {...(await this.confirmAndRun(db, plan, this.flags, {resolveSession: () => home.db})), left, notes}
        }),
      {changes: true},
    )
  }
}

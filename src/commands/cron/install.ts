import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import type {LeftJob} from '../../pg-cron/wanted.js'

export default class CronInstall extends BaseCommand<typeof CronInstall> {
  static override summary = 'Let pg_cron run the declared jobs instead of a daemon.'
  static override description =
    'Schedules a CALL of a procedure for each job that pg_cron can run as declared. Compression and statistics ' +
    'commit after each chunk and continue after one that fails; each refresh and each retention has its own ' +
    'entry, because a failure would end the others. All of them write the same ledger as the daemon (qicore-db ' +
    'jobs history --audit).\n' +
    'Works in the database of pg_cron, and from any other database of the server through it ' +
    '(cron.schedule_in_database). A job with settings that pg_cron lacks (another time zone, seconds, windows, ' +
    'retries, catching up) stays with the daemon and is listed; with "runner: pg_cron" it is refused. Entries ' +
    'of jobs that are no longer declared are removed; entries of other programs are never changed. Safe to ' +
    'repeat.'
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

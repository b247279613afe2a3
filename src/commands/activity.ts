import {ReportCommand} from '../cli/report-command.js'
import {watchFlags} from '../cli/watch.js'
import type {ActivityReport} from '../activity/sessions.js'

export default class Activity extends ReportCommand<typeof Activity> {
  static override summary = 'Show current sessions, what blocks them, and what holds back VACUUM.'
  static override description =
    "Lists sessions that run a statement, hold a transaction open or block another: qicore-db's runs, " +
    "TimescaleDB's jobs, pg_cron, autovacuum and applications. Chunks and partitions are shown as their table. " +
    'A waiting session is listed below the one that blocks it. SINCE is how long its transaction has been open.\n' +
    'Changes nothing and never waits for a lock. A role without pg_monitor sees which sessions block others, ' +
    'but not their statements.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --watch --every 5s',
    '<%= config.bin %> <%= command.id %> --json',
  ]
  static override flags = watchFlags

  static override tables() {
    return {'': async () => (await import('../activity/table.js')).activityTable}
  }

  async run(): Promise<ActivityReport | undefined> {
    const [{readActivity}, {activityTable}, {reportTarget}] = await Promise.all([
      import('../activity/read-activity.js'),
      import('../activity/table.js'),
      import('../config/target.js'),
    ])
    return this.watched(
      this.flags,
      async (db) => ({...(await readActivity(db)), target: reportTarget(db)}),
      async (report) => {
        const sessions = await this.show(activityTable, report, report.sessions, async () =>
          (await import('../cli/render/activity.js')).aroundActivity(report),
        )
        return {...report, sessions}
      },
    )
  }
}

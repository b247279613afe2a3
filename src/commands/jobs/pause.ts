import {Args, Flags} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {safeChangeFlags} from '../../cli/flags.js'

export default class JobsPause extends BaseCommand<typeof JobsPause> {
  static override summary = 'Stop running a job until it is resumed, and record the actor and the reason.'
  static override description =
    'Takes effect immediately: due times that were not started are recorded as skipped (paused), and running work ' +
    'finishes. Daemons need no restart. An audit shows the pause instead of a gap.'
  static override examples = ['<%= config.bin %> <%= command.id %> maintain --reason "release 4.2"']
  static override args = {job: Args.string({description: 'job', required: true})}
  static override flags = {
    ...safeChangeFlags,
    reason: Flags.string({summary: 'Reason, which is kept in the history.', helpValue: '<text>'}),
  }

  async run(): Promise<ChangeReport> {
    const [{jobsOf}, {jobNamed}, {planState}, {actorOf}] = await Promise.all([
      import('../../config/jobs.js'),
      import('../../cli/jobs.js'),
      import('../../jobs/store/pause.js'),
      import('../../cli/actor.js'),
    ])
    const config = await this.loadConfig()
    const job = jobNamed(jobsOf(config?.jobs ?? {}), this.args.job, config)
    return this.withDatabase(
      async (db) =>
        this.confirmAndRun(
          db,
          await planState(db, job, 'paused', actorOf(db.server), this.flags.reason ?? null),
          this.flags,
        ),
      {changes: true},
    )
  }
}

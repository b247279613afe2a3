import {Args, Flags, type Command} from '@oclif/core'
import {BaseCommand, type ChangeReport, type FlagsOf} from './base-command.js'
import {safeChangeFlags} from './flags.js'

const flags = {
  ...safeChangeFlags,
  reason: Flags.string({summary: 'Reason, which is kept in the history.', helpValue: '<text>'}),
}

/** Commands that pause or resume a job. */
export abstract class JobStateCommand<T extends typeof Command> extends BaseCommand<T> {
  static override examples = ['<%= config.bin %> <%= command.id %> maintain --reason "release 4.2"']
  static override args = {job: Args.string({description: 'job', required: true})}
  static override flags = flags

  protected async setState(state: 'paused' | 'active'): Promise<ChangeReport> {
    const [{jobsOf}, {jobNamed}, {planState}, {actorOf}] = await Promise.all([
      import('../config/jobs.js'),
      import('./jobs.js'),
      import('../jobs/store/pause.js'),
      import('./actor.js'),
    ])
    const given = this.flags as FlagsOf<typeof JobStateCommand>
    const config = await this.loadConfig()
    const job = jobNamed(jobsOf(config?.jobs ?? {}), (this.args as {job: string}).job, config)
    return this.withDatabase(
      async (db) => {
        const plan = await planState(db, job, state, actorOf(db.server), given.reason ?? null)
        return this.confirmAndRun(db, plan, given)
      },
      {changes: true},
    )
  }
}

import type {ChangeReport} from '../../cli/base-command.js'
import {JobStateCommand} from '../../cli/job-state-command.js'

export default class JobsResume extends JobStateCommand<typeof JobsResume> {
  static override summary = 'Resume a paused job from its next due time.'
  static override description = 'Runs that were due during the pause are not caught up.'

  async run(): Promise<ChangeReport> {
    return this.setState('active')
  }
}

import type {ChangeReport} from '../../cli/base-command.js'
import {JobStateCommand} from '../../cli/job-state-command.js'

export default class JobsPause extends JobStateCommand<typeof JobsPause> {
  static override summary = 'Stop running a job until it is resumed, and record the actor and the reason.'
  static override description =
    'Takes effect immediately: due times that were not started are recorded as skipped (paused), and running work ' +
    'finishes. Daemons need no restart. An audit shows the pause instead of a gap.'

  async run(): Promise<ChangeReport> {
    return this.setState('paused')
  }
}

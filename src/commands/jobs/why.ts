import {Args} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import type {JobWhyReport} from '../../doctor/why/explain-job.js'

export default class JobsWhy extends ReportCommand<typeof JobsWhy> {
  static override summary = 'Explain why a job did not run or failed: the known facts and the likely cause.'
  static override description =
    'Takes the name of a scheduled job, the id of a job of TimescaleDB, or the name of an entry of pg_cron. ' +
    'Reads the schedule with its last and next due time, the runner and whether it is running, what a run would ' +
    'do now, the last runs with their result and SQLSTATE, current locks, the settings, known defects, and the ' +
    'condition of the database. Ends with one cause and one command.\n' +
    'A TimescaleDB job that runs a policy is explained like `policies why`. Changes nothing and never waits ' +
    'for a lock.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> maintain',
    '<%= config.bin %> <%= command.id %> 1003 --json',
  ]
  static override args = {
    job: Args.string({description: 'name of a job, id of a job of TimescaleDB, or entry of pg_cron', required: true}),
  }

  static override tables() {
    return {'': async () => (await import('../../doctor/why/table.js')).evidenceTable}
  }

  async run(): Promise<JobWhyReport> {
    const [{explainJob}, {evidenceTable}, {jobsAndContext}, {reportTarget}] = await Promise.all([
      import('../../doctor/why/explain-job.js'),
      import('../../doctor/why/table.js'),
      import('../../pg-cron/request.js'),
      import('../../config/target.js'),
    ])
    const [config, limits] = [await this.loadConfig(), await this.limits()]
    const report = await this.withDatabase(async (db): Promise<JobWhyReport> => {
      const {at} = await this.reportHead(db)
      const request = {
        ...jobsAndContext({config, limits, at}),
        name: this.args.job,
        applicationName: this.connectOptions(false).applicationName,
        at,
      }
      return {...(await explainJob(db, request)), target: reportTarget(db)}
    })
    const rows = report.job.evidence.map((one) => ({...one, about: report.job.name}))
    await this.show(evidenceTable, report, rows, async () =>
      (await import('../../cli/render/why.js')).aroundWhy([report.job], []),
    )
    return report
  }
}

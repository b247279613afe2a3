import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {watchFlags} from '../../cli/watch.js'
import {ExitCode} from '../../errors.js'
import type {PolicyStatusReport} from '../../policies/status/types.js'

export default class PoliciesStatus extends TargetReport<
  typeof PoliciesStatus,
  PolicyStatusReport,
  PolicyStatusReport
> {
  static override summary = 'Show due work that the policies have not done, based on the state of the chunks.'
  static override description =
    'Reports every policy, declared or not: how many chunks or ranges are due, which of them are not done, ' +
    'since when and why; the runner and whether it is running; the last error with its SQLSTATE. The status of ' +
    'a job is shown but does not decide, because TimescaleDB reports success for a run that failed on some ' +
    'chunks.\n' +
    'Locks nothing, changes nothing and needs no schema qicore. Work is late when it has waited for one ' +
    'interval of the schedule plus limits.lateAfter (6h). A declared policy that is missing, paused or not ' +
    'confirmed is late too. Routines of the schema qicore that are older than qicore-db are a finding. Exits ' +
    '3 by --fail-on; an undeclared policy counts only if you name its table.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data --json',
    '<%= config.bin %> <%= command.id %> --fail-on unknown',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    all: Flags.boolean({summary: 'Also list policies without a problem if there are many.'}),
    ...watchFlags,
    'fail-on': Flags.option({
      options: ['never', 'late', 'unknown'] as const,
      default: 'late',
      summary: 'Exit 3: never, if work is late, or also if something is unknown.',
    })(),
  }

  static override tables() {
    return {'': async () => (await import('../../policies/status/table.js')).policyStatusTable}
  }

  protected override readonly kind = 'policies.status'

  protected override async reading(): Promise<Reading<PolicyStatusReport, PolicyStatusReport>> {
    const [{readPolicyStatus}, {policyStatusTable}, {readDeclared}, {sectionsOf}, {reportTarget}] = await Promise.all([
      import('../../policies/status/status.js'),
      import('../../policies/status/table.js'),
      import('../../policies/declared/read-declared.js'),
      import('../../cli/policy-request.js'),
      import('../../config/target.js'),
    ])
    const {table} = this.args
    const {all} = this.flags
    return {
      workers: true,
      read: async (db, {config, limits}) => {
        const declared = readDeclared(db, sectionsOf(config))
        const {lateAfter} = limits()
        return {...(await readPolicyStatus(db, {declared, lateAfter, table})), target: reportTarget(db)}
      },
      exitCode: (report) => (this.fails(report) ? ExitCode.found : undefined),
      show: async (report, show) => ({
        ...report,
        policies: await show(policyStatusTable, report, report.policies, async () =>
          (await import('../../cli/render/policies.js')).aroundPolicyStatus(report, {all, failed: this.fails(report)}),
        ),
      }),
    }
  }

  /** Unmanaged objects never cause exit 3, unless the operator named the table. */
  private fails({policies, qicoreSchema}: PolicyStatusReport): boolean {
    const failOn = this.flags['fail-on']
    const counted = policies.filter(({managed}) => managed || this.args.table !== undefined)
    const late = counted.some(({ok}) => ok === false || (failOn === 'unknown' && ok === null))
    return failOn !== 'never' && (late || qicoreSchema.state === 'older')
  }
}

import {Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import {durationFlag} from '../../cli/flags.js'
import {policyPlanFlags} from '../../cli/policy-flags.js'
import {ExitCode, usageError} from '../../errors.js'
import type {PolicyPlanReport} from '../../policies/plan-report.js'
import {command} from '../../units/command.js'

export default class PoliciesPlan extends ReportCommand<typeof PoliciesPlan> {
  static override summary = 'Show the changes to the declared policies, and whether they are safe.'
  static override description =
    `Changes nothing. Declared policies are those of the configuration and the defaults of QiCore's own tables; all others are shown and not changed. Every step has its lock, its class and the reason.
Checks retention against the aggregates over the table, refresh windows, compression against late rows, chunk length, locks and foreign keys. An unsafe finding has the date from which it takes effect and a value that avoids it; apply refuses a plan with one unless it is accepted by name, and this command exits 3.
--out saves the plan with a fingerprint of the state that it depends on: apply accepts the file while that state is unchanged.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --out plan.json',
    '<%= config.bin %> <%= command.id %> --check',
  ]
  static override flags = {
    ...policyPlanFlags,
    out: Flags.string({summary: 'Save the plan to this file.', helpValue: '<file>'}),
    'valid-for': durationFlag({summary: 'How long a saved plan may be applied (24h).'}),
    check: Flags.boolean({summary: 'Exit 3 if there is anything to do.'}),
  }

  static override tables() {
    return {'': async () => (await import('../../policies/plan-table.js')).policyPlanTable}
  }

  async run(): Promise<{kind: 'policies.plan'; version: 1; target: string | null; at: string} & PolicyPlanReport> {
    const {accept, prune, recompress, out, check} = this.flags
    const [
      {planPolicies},
      {policyPlanTable},
      {readDeclared},
      {planReport},
      {policyContext, sectionsOf},
      {requireKnown},
    ] = await Promise.all([
      import('../../policies/plan.js'),
      import('../../policies/plan-table.js'),
      import('../../policies/read-declared.js'),
      import('../../policies/plan-report.js'),
      import('../../cli/policy-request.js'),
      import('../../policies/checks/run-checks.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const context = policyContext(db, await this.limits())
        const planned = await planPolicies(db, {
          declared: await readDeclared(db, sectionsOf(await this.loadConfig())),
          ...context,
          prune,
          recompress,
          onlyLook: true,
        })
        requireKnown(planned, accept)
        const report = {
          kind: 'policies.plan' as const,
          version: 1 as const,
          target: context.target,
          ...planReport(planned, accept),
        }
        if (report.findings.some(({refuses}) => refuses) || (check && report.steps.length > 0))
          process.exitCode = ExitCode.found
        if (out !== undefined)
          await this.save(
            out,
            planned,
            context.target,
            db.server.database,
            report.findings.some(({refuses}) => refuses),
          )
        const steps = await this.show(policyPlanTable, report, report.steps, async () =>
          (await import('../../cli/render/policies.js')).aroundPlan(report, {prune, recompress, accept}),
        )
        return {...report, steps}
      },
      {rows: true},
    )
  }

  private async save(
    out: string,
    planned: Parameters<typeof import('../../policies/plan-file.js').planFileOf>[0],
    target: string,
    database: string,
    refused: boolean,
  ): Promise<void> {
    const [{planFileOf}, {writeFileSync}] = await Promise.all([
      import('../../policies/plan-file.js'),
      import('node:fs'),
    ])
    const {accept, prune, recompress} = this.flags
    const file = planFileOf(
      planned,
      {target, database},
      {prune, recompress, accepted: accept},
      this.flags['valid-for'] ?? {months: 0, days: 0, seconds: 86_400},
    )
    try {
      writeFileSync(out, `${JSON.stringify(file, null, 2)}\n`)
    } catch (error) {
      throw usageError('CANNOT_WRITE', `${out} cannot be written (${(error as NodeJS.ErrnoException).code}).`, [
        'Name a file in an existing directory.',
      ])
    }
    const next = refused
      ? 'It cannot be applied as it is: fix or accept its findings, and save it again.'
      : `Next: ${command('policies apply', [out])}`
    this.report(`Saved to ${out}, valid until ${file.validUntil}. ${next}`)
  }
}

import {Args} from '@oclif/core'
import {BaseCommand, type ChangeReport} from '../../cli/base-command.js'
import {changeFlags} from '../../cli/flags.js'
import {policyPlanFlags} from '../../cli/policy-flags.js'
import {stderrWidth} from '../../cli/terminal.js'
import {usageError} from '../../errors.js'
import type {PolicyPlanReport} from '../../policies/plan/report.js'
import {command} from '../../units/command.js'

export default class PoliciesApply extends BaseCommand<typeof PoliciesApply> {
  static override summary = 'Change the live policies to the declared ones.'
  static override description =
    'Plans again, shows the plan and asks. With a file that policies plan --out saved, it continues only if the ' +
    'state that the plan depends on has not changed; SQL from the file is never run.\n' +
    'Policies are altered in place: a job keeps its id, owner, schedule and history. Retention is gated: a ' +
    'chunk is dropped, in a transaction of its own, only after every aggregate has covered it; a native ' +
    "retention is converted in the same step. A retention that would drop data asks for the target's name " +
    '(--confirm), and that consent is stored with a hash of the policy.\n' +
    'Policies that conflict are refused (exit 7) unless each finding is accepted by name.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> plan.json --confirm prod',
    '<%= config.bin %> <%= command.id %> --dry-run',
  ]
  static override args = {file: Args.string({description: 'plan that policies plan --out saved'})}
  static override flags = {...changeFlags, ...policyPlanFlags}

  async run(): Promise<ChangeReport & Pick<PolicyPlanReport, 'findings' | 'unmanaged' | 'notes'>> {
    const [
      {planPolicies},
      {planFileOf, requireFresh},
      {requireKnown, requireSafe},
      {readDeclared},
      {planReport},
      {policyContext, sectionsOf},
      {policyRemarks, withoutRefusing},
      {lineText},
    ] = await Promise.all([
      import('../../policies/plan/plan.js'),
      import('../../policies/plan/file.js'),
      import('../../policies/checks/run-checks.js'),
      import('../../policies/declared/read-declared.js'),
      import('../../policies/plan/report.js'),
      import('../../cli/policy-request.js'),
      import('../../cli/render/policy-remarks.js'),
      import('../../cli/render/line-text.js'),
    ])
    const saved = this.args.file === undefined ? null : await this.readPlan(this.args.file)
    const prune = this.flags.prune || (saved?.options.prune ?? false)
    const recompress = this.flags.recompress || (saved?.options.recompress ?? false)
    const accepted = [...this.flags.accept, ...(saved?.options.accepted ?? [])]
    return this.withDatabase(
      async (db) => {
        const context = policyContext(db, await this.limits())
        const planned = await planPolicies(db, {
          declared: await readDeclared(db, sectionsOf(await this.loadConfig())),
          ...context,
          prune,
          recompress,
        })
        if (saved !== null) {
          const where = {target: context.target, database: db.server.database}
          requireFresh(
            saved,
            planFileOf(planned, where, saved.options, {months: 0, days: 1, seconds: 0}),
            this.args.file!,
          )
        }
        const report = planReport(planned, accepted)
        requireKnown(planned, this.flags.accept)
        const shown = this.flags['dry-run'] ? report.findings : withoutRefusing(report.findings)
        for (const line of policyRemarks({...report, findings: shown})) this.report(lineText(line, stderrWidth()))
        if (!this.flags['dry-run']) requireSafe(planned.findings, planned.changes, accepted)
        const {findings, unmanaged, notes} = report
        return {
          ...(await this.confirmAndRun(db, planned.plan, this.flags, {acceptsFindings: true})),
          findings,
          unmanaged,
          notes,
        }
      },
      {changes: true},
    )
  }

  private async readPlan(file: string) {
    const [{readPlanFile}, {readFileSync}] = await Promise.all([
      import('../../policies/plan/file.js'),
      import('node:fs'),
    ])
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      throw usageError('NOT_A_PLAN', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, [
        `To create one: ${command('policies plan', [], {out: 'plan.json'})}`,
      ])
    }
    return readPlanFile(text, file)
  }
}

import {Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import type {FleetReport} from '../../cli/fleet/report.js'
import {requestedTargets} from '../../cli/fleet-flags.js'
import {durationFlag} from '../../cli/flags.js'
import {policyPlanFlags} from '../../cli/policy-flags.js'
import {TargetReport} from '../../cli/target-report.js'
import {ExitCode, usageError} from '../../errors.js'
import type {PolicyPlan} from '../../policies/plan/plan.js'
import type {PolicyPlanReport} from '../../policies/plan/report.js'
import {command} from '../../units/command.js'
import {compareAscending} from '../../units/compare.js'
import {plural} from '../../units/plural.js'

type PoliciesPlanReport = {
  kind: 'policies.plan'
  version: 1
  target: string | null
  at: string
  /** The saved plan; absent if it was not saved. */
  file?: string
} & PolicyPlanReport

interface PlannedPolicies {
  report: PoliciesPlanReport
  refused: boolean
  saved: SavedPlan | null
  /** The command that creates the missing procedure of a gated retention; null if none is missing. */
  gateFix: string | null
}

interface SavedPlan {
  file: string
  validUntil: string
  /** The command that applies it, or why it cannot be applied. */
  next: string
  applicable: boolean
}

export default class PoliciesPlan extends TargetReport<typeof PoliciesPlan, PlannedPolicies, PoliciesPlanReport> {
  static override summary = 'Show the changes to the declared policies, and whether they are safe.'
  static override description =
    "Changes nothing. Declared policies are those of the configuration and the defaults of QiCore's own tables; " +
    'all others are shown and not changed. Every step has its lock, its class and the reason.\n' +
    'Checks retention against the aggregates over the table, refresh windows, compression against late rows, ' +
    'chunk length, locks and foreign keys. An unsafe finding has the date from which it takes effect and a ' +
    'value that avoids it; apply refuses a plan with one unless it is accepted by name, and this command exits ' +
    '3.\n' +
    '--out saves the plan with a fingerprint of the state that it depends on: apply accepts the file while that ' +
    'state is unchanged. With --targets or --all-targets, --out-dir saves a plan for each target; each is ' +
    'applied and confirmed on its own.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --out plan.json',
    '<%= config.bin %> <%= command.id %> --check',
    '<%= config.bin %> <%= command.id %> --all-targets --out-dir plans',
  ]
  static override flags = {
    ...policyPlanFlags,
    out: Flags.string({summary: 'Save the plan to this file.', helpValue: '<file>'}),
    'out-dir': Flags.string({
      summary: 'With many targets: save the plan of each to <directory>/<target>.json.',
      helpValue: '<directory>',
    }),
    'valid-for': durationFlag({summary: 'How long a saved plan may be applied (24h).'}),
    check: Flags.boolean({summary: 'Exit 3 if there is anything to do.'}),
  }

  static override tables() {
    return {'': async () => (await import('../../policies/plan/table.js')).policyPlanTable}
  }

  protected override readonly kind = 'policies.plan'
  private readonly saved: SavedPlan[] = []

  override async run(): Promise<PoliciesPlanReport | FleetReport | undefined> {
    const {out, 'out-dir': outDirectory} = this.flags
    const many = requestedTargets(this.flags) !== null
    if (many && out !== undefined)
      throw usageError('USAGE', '--out is one file, and each target has a plan of its own.', [
        'Save them in a directory: --out-dir plans',
      ])
    if (!many && outDirectory !== undefined)
      throw usageError('USAGE', '--out-dir is for many targets.', ['Save one plan: --out plan.json'])
    const report = await super.run()
    if (many && outDirectory !== undefined) this.reportSaved(outDirectory)
    return report
  }

  protected override async reading(): Promise<Reading<PlannedPolicies, PoliciesPlanReport>> {
    const {accept, prune, recompress, check} = this.flags
    const [
      {planPolicies},
      {policyPlanTable},
      {readDeclared},
      {planReport},
      {policyContext, sectionsOf},
      {requireKnown},
      {missingGate},
    ] = await Promise.all([
      import('../../policies/plan/plan.js'),
      import('../../policies/plan/table.js'),
      import('../../policies/declared/read-declared.js'),
      import('../../policies/plan/report.js'),
      import('../../cli/policy-request.js'),
      import('../../policies/checks/run-checks.js'),
      import('../../db/condition.js'),
    ])
    return {
      rows: true,
      read: async (db, {config, limits}) => {
        const context = policyContext(db, limits())
        const planned = await planPolicies(db, {
          declared: await readDeclared(db, sectionsOf(config)),
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
        const refused = report.findings.some(({refuses}) => refuses)
        const saved = await this.save(planned, {target: context.target, database: db.server.database}, refused)
        return {report, refused, saved, gateFix: missingGate(db.server)?.fix ?? null}
      },
      exitCode: ({report, refused}) => (refused || (check && report.steps.length > 0) ? ExitCode.found : undefined),
      show: async ({report, saved, gateFix}, show, {report: say}) => {
        if (saved !== null) say(`Saved to ${saved.file}, valid until ${saved.validUntil}. ${saved.next}`)
        const steps = await show(policyPlanTable, report, report.steps, async () =>
          (await import('../../cli/render/policies.js')).aroundPlan(report, {prune, recompress, accept}, gateFix),
        )
        return {...report, steps, ...(saved !== null && {file: saved.file})}
      },
    }
  }

  /** @throws OpsError CANNOT_WRITE */
  private async save(
    planned: PolicyPlan,
    where: {target: string; database: string},
    refused: boolean,
  ): Promise<SavedPlan | null> {
    const {accept, prune, recompress, out, 'out-dir': outDirectory, 'valid-for': validFor} = this.flags
    if (out === undefined && outDirectory === undefined) return null
    const {planFileOf, planFileIn, writePlanFile} = await import('../../policies/plan/file.js')
    const file = out ?? planFileIn(outDirectory!, where.target)
    const plan = planFileOf(
      planned,
      where,
      {prune, recompress, accepted: accept},
      validFor ?? {months: 0, days: 0, seconds: 86_400},
    )
    writePlanFile(file, plan)
    const next = refused
      ? 'It cannot be applied as it is: fix or accept its findings, and save it again.'
      : `Next: ${command('policies apply', [file])}`
    const saved = {file, validUntil: plan.validUntil, next, applicable: !refused && plan.steps.length > 0}
    this.saved.push(saved)
    return saved
  }

  private reportSaved(directory: string): void {
    const saved = [...this.saved].sort((one, other) => compareAscending(one.file, other.file))
    const applicable = saved.filter((each) => each.applicable)
    this.report(
      `Saved ${plural(saved.length, 'plan')} in ${directory}, ${applicable.length} of them with changes that can ` +
        'be applied.',
    )
    if (applicable.length > 0)
      this.report(`Apply them one by one. The first: ${applicable[0]!.next.replace('Next: ', '')}`)
  }
}

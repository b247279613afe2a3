import type {Command} from '@oclif/core'
import type {Rule} from '../policies/declared/ad-hoc.js'
import type {PolicyPlan} from '../policies/plan/plan.js'
import type {PolicyPlanReport} from '../policies/plan/report.js'
import type {Declared} from '../policies/declared/declared.js'
import type {Database} from '../db/database.js'
import {BaseCommand, type ChangeFlags, type ChangeReport} from './base-command.js'
import {changeFlags} from './flags.js'
import {policyPlanFlags} from './policy-flags.js'
import {stderrWidth} from './terminal.js'
import type {PolicySections} from '../policies/declared/declared.js'

export type PolicyChangeReport = ChangeReport & Pick<PolicyPlanReport, 'findings' | 'notes'>

/** Functions of lower layers for a command that sets or removes one policy; passed in by the command. */
export interface PolicyTools {
  planAdHoc(
    db: Database,
    request: {
      table: string
      change: Rule
      job?: number | undefined
      declared: readonly Declared[]
      maxDropPerRun: number
      target: string
    },
  ): Promise<PolicyPlan>
  readDeclared(db: Database, sections: PolicySections | null): Promise<Declared[]>
  planReport(planned: PolicyPlan, accepted: readonly string[]): PolicyPlanReport
  requireKnown(planned: PolicyPlan, accepted: readonly string[]): void
  requireSafe(findings: PolicyPlan['findings'], changes: PolicyPlan['changes'], accepted: readonly string[]): void
}

export const policyChangeFlags = {...changeFlags, accept: policyPlanFlags.accept}

/** Commands that change a single policy. */
export abstract class PolicyCommand<T extends typeof Command> extends BaseCommand<T> {
  protected async change(tools: PolicyTools, table: string, change: Rule, job?: number): Promise<PolicyChangeReport> {
    const flags = this.flags as unknown as ChangeFlags & {accept: string[]}
    const [{policyContext, sectionsOf}, {policyRemarks, withoutRefusing}, {lineText}] = await Promise.all([
      import('./policy-request.js'),
      import('./render/policy-remarks.js'),
      import('./render/line-text.js'),
    ])
    return this.withDatabase(
      async (db) => {
        const context = policyContext(db, await this.limits())
        const declared = await tools.readDeclared(db, sectionsOf(await this.loadConfig()))
        const planned = await tools.planAdHoc(db, {table, change, job, declared, ...context})
        tools.requireKnown(planned, flags.accept)
        const {findings, notes, cutoffs} = tools.planReport(planned, flags.accept)
        const changed = new Set(planned.changes.map(({key}) => key))
        const touching = new Set(
          planned.findings.filter(({policies}) => policies.some(({key}) => changed.has(key))).map(({id}) => id),
        )
        const relevant = findings.filter(({id, refuses}) => refuses || touching.has(id))
        const remarks = flags['dry-run'] ? relevant : withoutRefusing(relevant)
        for (const line of policyRemarks({cutoffs, findings: remarks, unmanaged: [], notes: []}))
          this.report(lineText(line, stderrWidth()))
        if (!flags['dry-run']) tools.requireSafe(planned.findings, planned.changes, flags.accept)
        if (change.rule === 'none' && planned.plan.steps.length === 0)
          this.report(`There is no ${change.kind} policy to remove.`)
        const report = await this.confirmAndRun(db, planned.plan, flags, {acceptsFindings: true})
        if (!flags['dry-run']) for (const note of notes) this.report(note)
        return {...report, findings, notes}
      },
      {changes: true},
    )
  }
}

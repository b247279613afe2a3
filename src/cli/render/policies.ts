import {shortName} from '../../db/qualified-name.js'
import type {ListedPolicy, PolicyListReport} from '../../policies/status/list.js'
import type {PolicyPlanReport} from '../../policies/plan/report.js'
import type {PolicyStatus, PolicyStatusReport} from '../../policies/status/types.js'
import {command} from '../../units/command.js'
import {policyRemarks} from './policy-remarks.js'
import {closingLine, legend, notes, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** Flags that `apply` needs to make the same plan. */
type ApplyFlags = Parameters<typeof command>[2]

/**
 * Conflicts, unmanaged policies, and whether the plan can be applied.
 * @param gateFix creates the missing procedure of a gated retention, which no plan does; null if none is missing
 */
export function aroundPlan(
  plan: PolicyPlanReport,
  flags: ApplyFlags,
  gateFix: string | null = null,
): Around<PolicyPlanReport['steps'][number]> {
  return {below: [...policyRemarks(plan), planVerdict(plan, flags, gateFix)]}
}

function planVerdict({steps, findings}: PolicyPlanReport, flags: ApplyFlags, gateFix: string | null): Line {
  const open = findings.filter(({refuses}) => refuses)
  if (steps.length === 0 && gateFix !== null)
    return closingLine(
      [
        'The live policies match the declared ones, but gated retention drops nothing: its procedure is missing ' +
          '(exit 3).',
      ],
      [gateFix],
    )
  if (steps.length === 0) return closingLine(['Nothing to do: the live policies match the declared ones.'])
  const counted = plural(steps.length, 'step')
  if (open.length > 0)
    return closingLine([`${counted}, refused: fix or accept ${plural(open.length, 'finding')} first (--accept <id>).`])
  return closingLine([`${counted} to do.`], [`Next: ${command('policies apply', [], flags)}`])
}

/**
 * Findings, other jobs, and the verdict; if there are many policies, the table for people omits those without a
 * problem.
 * @param all also show policies without a problem
 */
export function aroundPolicyStatus(
  {policies, other, notes: remarks}: PolicyStatusReport,
  {all, failed}: {all: boolean; failed: boolean},
): Around<PolicyStatus> {
  const below = notes(remarks, ' ')
  if (policies.length === 0 && other.length === 0)
    return {
      below: [
        ...below,
        closingLine([remarks.length > 0 ? 'No policies here.' : 'No policies here, declared or live.']),
      ],
    }
  return {
    brief: (rows) => {
      const listed =
        all || rows.length <= 20 ? rows : rows.filter(({ok, findings}) => ok !== true || findings.length > 0)
      const rest = rows.length - listed.length
      return {rows: listed, rest: rest > 0 ? `${rest} more ok (--all)` : null}
    },
    below: [
      ...findingLines(policies),
      ...other.flatMap(otherLines),
      ...below,
      ...unmanagedLegend(policies),
      closingLine([statusVerdict(policies, failed)]),
    ],
  }
}

/** A finding shared by many policies is printed once, for example a runner that is down. */
function findingLines(policies: readonly PolicyStatus[]): Line[] {
  const having = (finding: string) => policies.filter(({findings}) => findings.includes(finding))
  const texts = new Set(policies.flatMap(({findings}) => findings))
  const line = (text: string, statuses: readonly PolicyStatus[]) => ({
    bad: statuses.some(({ok}) => ok === false),
    text,
  })
  const lines = [...texts].flatMap((finding) => {
    const entry = having(finding)
    if (entry.length > 2) return [line(`${entry.length} policies: ${finding}`, entry)]
    // Two policies of one kind on the same table have the same label.
    const labels = new Set(entry.map(labelOf))
    return [...labels].map((label) =>
      line(
        `${label}: ${finding}`,
        entry.filter((policy) => labelOf(policy) === label),
      ),
    )
  })
  return [
    ...notes(
      lines.filter(({bad}) => bad).map(({text}) => text),
      '!',
    ),
    ...notes(
      lines.filter(({bad}) => !bad).map(({text}) => text),
      ' ',
    ),
  ]
}

/** Declared and live policies side by side. */
export function aroundPolicyList({policies}: PolicyListReport): Around<ListedPolicy> {
  if (policies.length === 0) return {below: [closingLine(['No policies here, declared or live.'])]}
  return {
    below: [
      ...unmanagedLegend(policies),
      closingLine([], [`Whether they did their work: ${command('policies status')}`]),
    ],
  }
}

function unmanagedLegend(policies: readonly {managed: boolean}[]): Line[] {
  return policies.some(({managed}) => !managed) ? [legend('not declared, never changed.', '*')] : []
}

function tableName({schema, table}: Pick<PolicyStatus, 'schema' | 'table'>): string {
  return shortName(schema, table)
}

function labelOf(policy: PolicyStatus): string {
  return `${tableName(policy)} ${policy.kind}`
}

function statusVerdict(policies: readonly PolicyStatus[], failed: boolean): string {
  const late = policies.filter(({ok}) => ok === false).length
  const unknown = policies.filter(({ok}) => ok === null).length
  return (
    `${late} of ${plural(policies.length, 'policy', 'policies')} late, ${unknown} ` +
    `unknown${failed ? ' (exit 3)' : ''}`
  )
}

function otherLines({id, name, proc, scheduled, lastStatus, findings}: PolicyStatusReport['other'][number]): Line[] {
  return notes(
    [
      `other: job ${id} ${name} (${proc})${scheduled ? '' : ', paused'}, last run ${lastStatus ?? 'never'}`,
      ...findings.map((finding) => `job ${id}: ${finding}`),
    ],
    ' ',
  )
}

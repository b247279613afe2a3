import {shortName} from '../../db/qualified-name.js'
import type {ChangeClass} from '../../run/step.js'
import type {Instant} from '../../units/instant.js'
import type {ListedPolicy, PolicyListReport} from '../../policies/list.js'
import type {PolicyStatus, PolicyStatusReport, RuleText} from '../../policies/status-types.js'
import {marked, policyRemarks, type PolicyRemarks} from './policy-remarks.js'
import {renderTable, type TableStyle} from './table.js'
import {ageOr, dash, plural} from './words.js'
import {command} from '../../units/command.js'

/** A planned step as it is shown. */
export interface PlannedStep {
  id: string
  lock: string
  class: ChangeClass
  repeatable: boolean
  why: readonly string[]
}

export interface ShownPlan extends PolicyRemarks {
  /** Flags without which apply would make another plan. */
  flags?: {prune?: boolean; recompress?: boolean; accept?: readonly string[]}
  steps: readonly PlannedStep[]
}

const classWords: Record<ChangeClass, string> = {safe: 'safe', undo: 'hard to undo', loss: 'loses data'}

/** A plan of policies for people: the steps, what does not go together, what is left alone, the verdict last. */
export function renderPolicyPlan(plan: ShownPlan, style: TableStyle): string {
  const steps = renderTable(
    [
      {head: 'STEP', cell: ({id}) => id, shrink: 24},
      {head: 'CLASS', cell: (step) => classWords[step.class]},
      {head: 'LOCK', cell: ({lock}) => lock.toLowerCase(), drop: 2},
      {head: 'AGAIN', cell: ({repeatable}) => (repeatable ? 'safe' : 'no'), wide: true},
      {head: 'WHY', cell: ({why}) => why.join('; '), shrink: 20, drop: 1},
    ],
    plan.steps,
    {style, mark: (step) => step.class === 'loss'},
  )
  return [...(plan.steps.length > 0 ? [steps] : []), ...policyRemarks(plan, style.width), verdict(plan)].join('\n')
}

function verdict({steps, findings, flags}: ShownPlan): string {
  const open = findings.filter(({refuses}) => refuses)
  if (steps.length === 0) return 'Nothing to do: the live policies match what is declared.'
  const counted = plural(steps.length, 'step')
  if (open.length > 0)
    return `${counted}, refused: fix or accept ${plural(open.length, 'finding')} first (--accept <id>).`
  return `${counted} to do. Next: ${command('policies apply', [], flags)}`
}

/** How a status is to be shown. */
export interface StatusLook extends TableStyle {
  /** Also those that are well. */
  all: boolean
}

/** Every policy with what it did not do, those that are well counted; the findings and the verdict last. */
export function renderPolicyStatus(
  {policies, other, notes, at}: PolicyStatusReport,
  style: StatusLook,
  failed: boolean,
): string {
  const {width} = style
  const noteLines = notes.map((note) => marked(' ', note, width))
  if (policies.length === 0 && other.length === 0)
    return [
      ...noteLines,
      notes.length > 0 ? 'No policies on what is here.' : 'No policies here, declared or live.',
    ].join('\n')
  const shown = style.all
    ? policies
    : policies.filter((policy) => policy.ok !== true || policy.findings.length > 0 || policies.length <= 20)
  const table = renderTable<PolicyStatus>(
    [
      {head: 'POLICY', cell: (policy) => `${nameOf(policy)}${policy.managed ? '' : ' *'} ${policy.kind}`, shrink: 24},
      {head: 'RULE', cell: ruleOf, shrink: 8},
      {head: 'DUE', cell: ({due}) => (due === null ? dash : String(due)), right: true},
      {head: 'NOT DONE', cell: ({notDone}) => (notDone === null ? dash : String(notDone.length)), right: true},
      {head: 'OLDEST', cell: ({notDone}) => oldest(notDone?.[0], at), right: true},
      {head: 'RUN BY', cell: runBy},
      {
        head: 'DECLARED',
        cell: ({declared, managed}) =>
          declared === 'none' ? 'none' : declared === null ? (managed ? dash : 'no') : short(declared),
        wide: true,
      },
      {
        head: 'ALIVE',
        cell: ({runnerAlive}) => (runnerAlive === null ? 'unknown' : runnerAlive ? 'yes' : 'no'),
        wide: true,
      },
      {
        head: 'LAST RUN',
        cell: ({lastRunAt, lastStatus}) =>
          lastRunAt === null ? dash : `${ageOr(lastRunAt, at)} ${lastStatus ?? ''}`.trim(),
        wide: true,
      },
      {head: 'NEXT RUN', cell: ({nextRunAt}) => (nextRunAt === null ? dash : ageOr(nextRunAt, at)), wide: true},
    ],
    shown,
    {style, mark: ({ok}) => ok === false},
  )
  const rest = policies.length - shown.length
  return [
    ...(shown.length > 0 ? [table] : []),
    ...(rest > 0 ? [` ${rest} more ok (--all)`] : []),
    ...findingLines(policies).map(({mark, text}) => marked(mark, text, width)),
    ...other.flatMap((job) => otherLines(job, width)),
    ...noteLines,
    ...(policies.some(({managed}) => !managed) ? ['* not declared, never touched.'] : []),
    statusVerdict(policies, failed),
  ].join('\n')
}

function oldest(first: {since: Instant | null} | undefined, at: Instant): string {
  if (first === undefined) return dash
  return first.since === null ? 'unknown' : ageOr(first.since, at)
}

/** What many policies have in common is said once: where a runner is dead, the rest would drown in it. */
function findingLines(policies: readonly PolicyStatus[]): {mark: ' ' | '!'; text: string}[] {
  const having = (finding: string) => policies.filter(({findings}) => findings.includes(finding))
  const texts = new Set(policies.flatMap(({findings}) => findings))
  const line = (text: string, statuses: readonly PolicyStatus[]) => ({
    mark: statuses.some(({ok}) => ok === false) ? ('!' as const) : (' ' as const),
    text,
  })
  const lines = [...texts].flatMap((finding) => {
    const entry = having(finding)
    return entry.length > 2
      ? [line(`${entry.length} policies: ${finding}`, entry)]
      : entry.map((policy) => line(`${nameOf(policy)} ${policy.kind}: ${finding}`, [policy]))
  })
  return [...lines.filter(({mark}) => mark === '!'), ...lines.filter(({mark}) => mark === ' ')]
}

/** Declared and live, side by side. */
export function renderPolicyList({policies}: PolicyListReport, style: TableStyle): string {
  if (policies.length === 0) return 'No policies here, declared or live.'
  const table = renderTable<ListedPolicy>(
    [
      {head: 'POLICY', cell: (policy) => `${nameOf(policy)}${policy.managed ? '' : ' *'} ${policy.kind}`, shrink: 24},
      {
        head: 'DECLARED',
        cell: ({declared}) => (declared === null ? dash : declared === 'none' ? 'none' : short(declared)),
      },
      {
        head: 'LIVE',
        cell: ({live, gated, paused}) =>
          live === null ? dash : `${short(live)}${gated ? ', gated' : ''}${paused ? ', paused' : ''}`,
      },
      {head: 'JOB', cell: ({jobId}) => (jobId === null ? dash : String(jobId)), right: true},
      {head: 'SEGMENT BY', cell: ({live}) => columnsOf(live?.segmentBy), wide: true},
      {head: 'ORDER BY', cell: ({live}) => columnsOf(live?.orderBy), wide: true},
    ],
    policies,
    {style},
  )
  return [
    table,
    ...(policies.some(({managed}) => !managed) ? ['* not declared, never touched.'] : []),
    `What they did: ${command('policies status')}`,
  ].join('\n')
}

function columnsOf(value: RuleText[string] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : dash
}

function nameOf({schema, table}: Pick<PolicyStatus, 'schema' | 'table'>): string {
  return shortName(schema, table)
}

function short(rule: RuleText): string {
  const {after, createdBefore, startOffset, endOffset} = rule
  if ('startOffset' in rule) return `${tiny(startOffset)}/${tiny(endOffset)}`
  return after === null && createdBefore !== undefined ? `${String(createdBefore)} old` : String(after ?? dash)
}

const tinyUnits: Record<string, string> = {
  second: 's',
  minute: 'min',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mon',
  year: 'y',
}

/** `7 days` as `7d`, where room is short. */
function tiny(offset: RuleText[string] | undefined): string {
  return String(offset ?? 'open').replace(
    / (second|minute|hour|day|week|month|year)s?\b/g,
    (_, unit: string) => tinyUnits[unit]!,
  )
}

function ruleOf({live, declared}: PolicyStatus): string {
  return live !== null ? tiny(short(live)) : declared === null || declared === 'none' ? dash : tiny(short(declared))
}

function runBy({runner, paused, gated, live, ok}: PolicyStatus): string {
  if (live === null) return ok === null ? 'unknown' : 'missing'
  return `${paused ? 'paused' : runner}${gated ? ', gated' : ''}`
}

function statusVerdict(policies: readonly PolicyStatus[], failed: boolean): string {
  const late = policies.filter(({ok}) => ok === false).length
  const unknown = policies.filter(({ok}) => ok === null).length
  return `${late} of ${plural(policies.length, 'policy', 'policies')} late, ${unknown} unknown${failed ? ' (exit 3)' : ''}`
}

function otherLines(
  {id, name, proc, scheduled, lastStatus, findings}: PolicyStatusReport['other'][number],
  width: number | null,
): string[] {
  return [
    `other: job ${id} ${name} (${proc})${scheduled ? '' : ', paused'}, last run ${lastStatus ?? 'never'}`,
    ...findings.map((finding) => `job ${id}: ${finding}`),
  ].map((line) => marked(' ', line, width))
}

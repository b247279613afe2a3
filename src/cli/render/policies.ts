import type {ChangeClass} from '../../plan/step.js'
import {renderTable, type Look} from './table.js'
import {plural} from './words.js'

/** A planned step as it is shown. */
export interface PlannedStep {
  id: string
  lock: string
  class: ChangeClass
  repeatable: boolean
  why: string
}

export interface ShownFinding {
  id: string
  level: 'unsafe' | 'note'
  message: string
  bites: string | null
  safe: string | null
}

export interface ShownPlan {
  steps: readonly PlannedStep[]
  findings: readonly ShownFinding[]
  /** Ids of those that would refuse the plan. */
  open: readonly string[]
  unmanaged: readonly {key: string; kind: string; rule: string}[]
  cutoffs: readonly {key: string; cutoff: string | null; chunks: number}[]
  notes: readonly string[]
}

const classWords: Record<ChangeClass, string> = {safe: 'safe', undo: 'hard to undo', loss: 'loses data'}

/** A plan of policies for people: the steps, what does not go together, what is left alone, the verdict last. */
export function renderPolicyPlan(plan: ShownPlan, look: Look): string {
  const steps = renderTable(
    [
      {head: 'STEP', cell: ({id}) => id, shrink: 24},
      {head: 'CLASS', cell: (step) => classWords[step.class]},
      {head: 'LOCK', cell: ({lock}) => lock.toLowerCase(), drop: 2},
      {head: 'AGAIN', cell: ({repeatable}) => (repeatable ? 'safe' : 'no'), wide: true},
      {head: 'WHY', cell: ({why}) => why, shrink: 20, drop: 1},
    ],
    plan.steps,
    {look, mark: (step) => step.class === 'loss'},
  )
  const width = look.width ?? 160
  return [
    ...(plan.steps.length > 0 ? [steps] : []),
    ...plan.cutoffs.map(({key, cutoff, chunks}) => `  ${key}: older than ${cutoff ?? 'unknown'}, ${plural(chunks, 'chunk')} there by now`),
    ...plan.findings.flatMap((finding) => findingLines(finding, plan.open.includes(finding.id), width)),
    ...plan.unmanaged.map(({key, kind, rule}) => `* ${key} ${kind} (${rule}) is not declared: left alone`),
    ...plan.notes.map((note) => wrapped(`  ${note}`, width)),
    verdict(plan),
  ].join('\n')
}

function findingLines({id, message, bites, safe}: ShownFinding, open: boolean, width: number): string[] {
  const from = bites === null ? '' : ` From ${bites.slice(0, 10)}.`
  const text = `${message}.${from}${safe === null ? '' : ` Safe: ${safe}.`} [${id}]`
  return [wrapped(`${open ? '!' : ' '} ${text}`, width)]
}

function verdict({steps, open}: ShownPlan): string {
  if (steps.length === 0) return 'Nothing to do: what is declared is what stands.'
  const counted = plural(steps.length, 'step')
  if (open.length > 0) return `${counted}, refused: ${plural(open.length, 'finding')} to mend or to accept (--accept <id>).`
  return `${counted} to do. Next: qicore-db policies apply`
}

/** Broken between words, what follows indented by two. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = `  ${word}`
    } else line = line === '' && lines.length === 0 && line !== word ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

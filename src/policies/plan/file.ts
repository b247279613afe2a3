import {createHash} from 'node:crypto'
import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {inline} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Step} from '../../run/step.js'
import {addInterval} from '../../catalog/interval.js'
import {qualifiedName} from '../../catalog/table.js'
import {instantOf, microsOf} from '../../catalog/time.js'
import type {Duration} from '../../units/duration.js'
import type {Instant} from '../../units/instant.js'
import type {CheckFinding} from '../checks/finding.js'
import type {PolicyPlan} from './plan.js'
import {cutoffSnapshotOf, type CutoffSnapshot} from './cutoff-snapshot.js'
import {command, withoutRepeatedFlags} from '../../units/command.js'

/** A saved plan. It is shown and compared, never executed: apply runs a new plan. */
export interface PlanFile {
  kind: 'policies.plan'
  version: 1
  target: string
  database: string
  at: Instant
  /** After this time the plan is stale even if nothing changed. */
  validUntil: Instant
  options: PlanFileOptions
  steps: {id: string; sql: string; lock: string; class: string; repeatable: boolean}[]
  /** The cutoffs of the retentions and the chunks before them. */
  cutoffs: CutoffSnapshot[]
  findings: CheckFinding[]
  /** A hash of each table's settings and policies before the steps. */
  touched: Record<string, string>
  fingerprint: string
}

export interface PlanFileOptions {
  prune: boolean
  recompress: boolean
  accepted: string[]
}

/** The content of a plan file. */
export function planFileOf(
  planned: PolicyPlan,
  where: {target: string; database: string},
  options: PlanFileOptions,
  validFor: Duration,
): PlanFile {
  const {at} = planned.state.snapshot
  const steps = planned.plan.steps.map(stepText)
  const cutoffs = cutoffSnapshotOf(planned)
  const touched = touchedBy(planned)
  return {
    kind: 'policies.plan',
    version: 1,
    ...where,
    at,
    validUntil: instantOf(addInterval(microsOf(at), validFor))!,
    options,
    steps,
    cutoffs,
    findings: withoutRepeatedFlags(planned.findings),
    touched,
    fingerprint: hash({
      database: where.database,
      options,
      steps,
      touched,
      chunks: cutoffs.map(({key, chunks}) => ({key, chunks})),
    }),
  }
}

/** The file of a target in a directory of plans; `tenants/acme` is a file in a directory of its own. */
export function planFileIn(directory: string, target: string): string {
  const parts = target.split('/').map((part) => encodeURIComponent(part).replace(/^\./, '%2E'))
  return `${join(directory, ...parts)}.json`
}

/**
 * Writes a plan, and the directories of its file.
 * @throws OpsError CANNOT_WRITE
 */
export function writePlanFile(file: string, plan: PlanFile): void {
  try {
    mkdirSync(dirname(file), {recursive: true})
    writeFileSync(file, `${JSON.stringify(plan, null, 2)}\n`)
  } catch (error) {
    throw usageError('CANNOT_WRITE', `${file} cannot be written (${(error as NodeJS.ErrnoException).code}).`, [
      'Name another file or directory.',
    ])
  }
}

function stepText({id, statements, lock, class: kind, repeatable}: Step): PlanFile['steps'][number] {
  return {id, sql: statements.map(inline).join(';\n'), lock, class: kind, repeatable}
}

/** Hashes of what the steps depend on, by table; without sizes and clocks, which change all the time. */
function touchedBy({plan, state}: PolicyPlan): Record<string, string> {
  const keys = new Set(plan.steps.map(({object}) => object))
  const entries = [...state.states]
    .filter(([table]) => keys.has(qualifiedName(table)))
    .map(([table, tableState]) => {
      const configs = state.snapshot.policies
        .filter((policy) => policy.table === table)
        .map(({kind, job, config}) => ({kind, job: job?.id ?? null, config}))
      const {compression, chunkInterval, policies} = tableState
      return [
        qualifiedName(table),
        hash({relation: table.relation, compression, chunkInterval, policies, configs}),
      ] as const
    })
  return Object.fromEntries(entries)
}

function hash(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Parses a plan file.
 * @throws OpsError NOT_A_PLAN
 */
export function readPlanFile(text: string, file: string): PlanFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw notAPlan(file, 'it is not JSON')
  }
  const {kind, version} = (value ?? {}) as Partial<PlanFile>
  if (kind !== 'policies.plan') throw notAPlan(file, 'its "kind" is not policies.plan')
  if (version !== 1) throw notAPlan(file, `it has version ${String(version)}, and qicore-db supports version 1`)
  const plan = value as PlanFile
  const strings = [plan.target, plan.database, plan.at, plan.validUntil, plan.fingerprint]
  const whole =
    strings.every((each) => typeof each === 'string') &&
    Array.isArray(plan.steps) &&
    Array.isArray(plan.cutoffs) &&
    isPlain(plan.touched) &&
    isPlain(plan.options) &&
    Array.isArray(plan.options.accepted) &&
    !Number.isNaN(Date.parse(plan.validUntil))
  if (!whole) throw notAPlan(file, 'parts of it are missing')
  return plan
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notAPlan(file: string, why: string): OpsError {
  return usageError('NOT_A_PLAN', `${file} is not a saved plan: ${why}.`, [
    `To make one: ${command('policies plan', [], {out: 'plan.json'})}`,
  ])
}

/**
 * Compares a saved plan with a new plan for the same request.
 * @throws OpsError OTHER_DATABASE (exit 2), PLAN_STALE (exit 7) with what changed
 */
export function requireFresh(saved: PlanFile, now: PlanFile, file: string): void {
  // Databases of several servers often have the same name.
  const [planned, here] = saved.database === now.database ? [saved.target, now.target] : [saved.database, now.database]
  if (planned !== here)
    throw usageError('OTHER_DATABASE', `${file} was made for ${planned}, and this is ${here}.`, [
      'Connect to that database, or make a plan for this one.',
    ])
  const reasons = staleReasons(saved, now)
  if (reasons.length === 0) return
  throw new OpsError(
    'PLAN_STALE',
    `${file} is stale; nothing was done.\n${reasons.map((reason) => `- ${reason}`).join('\n')}`,
    {
      exit: ExitCode.refused,
      suggestions: [`Make a new plan and review it before you apply it: ${command('policies plan', [], {out: file})}`],
    },
  )
}

function staleReasons(saved: PlanFile, now: PlanFile): string[] {
  const reasons: string[] = []
  if (Date.parse(now.at) > Date.parse(saved.validUntil)) reasons.push(`it was valid until ${saved.validUntil}`)
  for (const key of new Set([...Object.keys(saved.touched), ...Object.keys(now.touched)]))
    if (saved.touched[key] !== now.touched[key]) reasons.push(`${key}: its policies or settings have changed`)
  for (const {key, chunks} of now.cutoffs) {
    const before = saved.cutoffs.find((each) => each.key === key)?.chunks ?? []
    const more = chunks.filter((chunk) => !before.includes(chunk))
    const gone = before.filter((chunk) => !chunks.includes(chunk))
    if (more.length > 0) reasons.push(`${key}: the retention now also drops ${formatNames(more)}`)
    if (gone.length > 0)
      reasons.push(
        `${key}: ${formatNames(gone)} ${gone.length === 1 ? 'does' : 'do'} not exist any more, or would not be dropped`,
      )
  }
  const differs = JSON.stringify(saved.steps) !== JSON.stringify(now.steps)
  if (reasons.length === 0 && differs)
    reasons.push(`the declaration, or the file itself, has changed: ${stepsThatDiffer(saved, now)}`)
  if (reasons.length === 0 && saved.fingerprint !== now.fingerprint)
    reasons.push('its fingerprint does not match its content')
  return reasons
}

function stepsThatDiffer(saved: PlanFile, now: PlanFile): string {
  const text = (plan: PlanFile) => new Map(plan.steps.map((step) => [step.id, JSON.stringify(step)]))
  const [before, after] = [text(saved), text(now)]
  return formatNames([...new Set([...before.keys(), ...after.keys()])].filter((id) => before.get(id) !== after.get(id)))
}

function formatNames(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

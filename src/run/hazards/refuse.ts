import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import type {Server} from '../../db/server.js'
import {statement} from '../../db/sql.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Plan, Step} from '../step.js'
import {compareVersions} from '../../units/version.js'
import {certaintyOfHazard, fixInWords, versionsOf, type Hazard, type UnsafeOperation} from './hazard.js'
import {knownHazards} from './known.js'

/** A step that must not be run on this server. */
export interface UnsafeStep {
  step: Step
  hazard: Hazard
  operation: UnsafeOperation
}

/**
 * The steps of a plan that a known defect of the running version makes unsafe. Asks the database only where a version
 * has a defect that touches a kind of step of the plan: one round trip for each such defect.
 * @param hazards those that are known; a test gives its own
 */
export async function unsafeSteps(
  db: Database,
  {steps}: Pick<Plan, 'steps'>,
  hazards: readonly Hazard[] = knownHazards,
): Promise<UnsafeStep[]> {
  const found: UnsafeStep[] = []
  const kinds = new Set(steps.map(({kind}) => kind))
  const touching = hazards.filter(({unsafe}) => unsafe?.kinds.some((kind) => kinds.has(kind)))
  for (const {hazard, operation} of operationsHere(db.server, touching)) {
    const concerned = steps.filter(({kind}) => operation.kinds.includes(kind))
    if (concerned.length === 0) continue
    const objects = await objectsMeeting(
      db,
      operation,
      concerned.map(({object}) => object),
    )
    for (const step of concerned) if (objects.has(step.object)) found.push({step, hazard, operation})
  }
  return found
}

/** The operations that known defects of a server make unsafe, on objects that are in the state that a defect needs. */
export function operationsHere(
  server: Server,
  hazards: readonly Hazard[] = knownHazards,
): {hazard: Hazard; operation: UnsafeOperation}[] {
  return hazards.flatMap((hazard) => {
    const {unsafe: operation} = hazard
    const versions = versionsOf(hazard.product, server)
    if (operation === null || versions === null || certaintyOfHazard(hazard, versions) !== 'certain') return []
    const {since} = operation
    if (since !== null && versions.from !== null && compareVersions(versions.from, since) < 0) return []
    return [{hazard, operation}]
  })
}

/** Those of the objects of steps that would meet the defect now. */
export async function objectsMeeting(
  db: Database,
  {detect}: UnsafeOperation,
  objects: readonly string[],
): Promise<ReadonlySet<string>> {
  const asked = [...new Set(objects)]
  if (detect === null || asked.length === 0) return new Set(asked)
  const rows = await db.query<{object: string}>(statement(loadSql(`run/hazards/${detect}`), [asked]))
  return new Set(rows.map(({object}) => object))
}

/** The plan with the class of what is accepted for this run alone: answers or rows may be lost by it. */
export function withAcceptedLoss(plan: Plan, unsafe: readonly UnsafeStep[], accepted: readonly string[]): Plan {
  const lossy = new Set(
    unsafe.filter(({hazard}) => hazard.effect === 'loss' && accepted.includes(hazard.id)).map(({step}) => step.id),
  )
  return {...plan, steps: plan.steps.map((step) => (lossy.has(step.id) ? {...step, class: 'loss'} : step))}
}

/** Those that were not accepted by id. */
export function notAccepted(unsafe: readonly UnsafeStep[], accepted: readonly string[]): UnsafeStep[] {
  return unsafe.filter(({hazard}) => !accepted.includes(hazard.id))
}

/** What is unsafe on which object, and where that is known from. */
export function unsafeMessage({step, hazard, operation}: UnsafeStep): string {
  return `${step.object}: ${operation.harm} (known defect ${hazard.id}, ${fixInWords(hazard)}: ` + `${hazard.source})`
}

/** Objects that are named in a refusal; the rest is counted. */
const named = 5

/**
 * @throws OpsError HAZARD (exit 7) with each unsafe object, the ids, and how to accept them
 */
export function refuseUnsafe(unsafe: readonly UnsafeStep[]): void {
  if (unsafe.length === 0) return
  const ids = [...new Set(unsafe.map(({hazard}) => hazard.id))]
  const lines = unsafe.slice(0, named).map((each) => `- ${unsafeMessage(each)}`)
  const more = unsafe.length > named ? [`- and ${unsafe.length - named} more`] : []
  throw new OpsError(
    'HAZARD',
    [`A known defect of this server makes it unsafe; nothing was changed.`, ...lines, ...more].join('\n'),
    {
      exit: ExitCode.refused,
      suggestions: [
        ...new Set(unsafe.map(({operation}) => operation.instead)),
        `To run it in spite of that: ${ids.map((id) => `--accept ${id}`).join(' ')}`,
      ],
    },
  )
}

/** Whether an id that is accepted is that of a known defect; those of findings are `rule:object`. */
export function isHazard(id: string): boolean {
  return knownHazards.some((hazard) => hazard.id === id)
}

/**
 * A mistyped id would accept nothing.
 * @throws OpsError NO_SUCH_HAZARD (exit 2)
 */
export function requireKnownHazards(ids: readonly string[]): void {
  const unknown = ids.filter((id) => !isHazard(id))
  if (unknown.length === 0) return
  throw usageError('NO_SUCH_HAZARD', `--accept: there is no known defect ${unknown.join(', ')}.`, [
    'A refusal names the ids, and so does the group hazards of doctor.',
  ])
}

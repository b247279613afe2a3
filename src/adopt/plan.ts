import type {KeyDeclaration, TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {formatName, formatQualifiedName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import {defaultLimits} from '../run/limits.js'
import type {Plan, Step} from '../run/step.js'
import {command} from '../units/command.js'
import {carriedOf, changesOf} from './carried.js'
import {catchUp, changesKind, isBehind, type Direction} from './changes.js'
import {buildIndexes, compareStep, copyAgain, copySteps, createPartitions, recordChanges} from './fill.js'
import {completeSet, completionId, foreignKeySteps, recordNewSet} from './finish-set.js'
import {swapStep, validateReferences} from './exchange.js'
import {copyHypertable, leavingTimescaledb} from './hypertable.js'
import {findPeriods, type SaneTimes} from './find-periods.js'
import {readInventory, type FoundInventory, type Inventory} from './inventory.js'
import {hasTimeIndex, keyColumn, rowKey} from './key.js'
import type {AdoptPeriod, AdoptPeriods} from './periods.js'
import {leavePartman, partmanNotes, readPartman, type PartmanRow} from './partman.js'
import {refusalsOf, type Refusal} from './refusals.js'
import {createShadow} from './shadow.js'
import {findSource, type Source} from './source.js'
import {stagingOf, type Staging} from './staging.js'
import {readState, type AdoptState} from './state.js'

export interface AdoptRequest extends SaneTimes {
  /** As name or schema.name. */
  table: string
  /** The column of the partitions; null if it was not given. */
  column: string | null
  /** How an integer, a uuid or a text stores time; null if the table is not declared. */
  declared: KeyDeclaration | null
  periods: AdoptPeriods
}

export interface AdoptPlan {
  plan: Plan
  /** What the new set gets, one line a kind of object. */
  carried: string[]
  notes: string[]
}

/**
 * Plans the adoption of a table, or the rest of one that was begun. Everything that forbids it is known before the first
 * step.
 * @throws OpsError CANNOT_ADOPT (exit 2) with all reasons, ADOPT_CHANGED (exit 7), the errors of {@link findSource}
 */
export async function planAdopt(db: Database, request: AdoptRequest): Promise<AdoptPlan> {
  const source = await findSource(db, request.table)
  const staging = stagingOf(source.relation)
  const state = await readState(db, staging)
  const found = await readInventory(db, source.oid, staging)
  if (state !== null && state.phase !== 'copying') return afterExchange(db, source, staging, state, found.inventory)
  const partman = state === null && source.kind === 'partitioned' ? await readPartman(db, source) : null
  if (partman !== null) return partmanPlan(source, partman)
  requireUnpartitioned(source)
  if (state !== null) requireSame(source, state, found, request)
  const {column, key: timeKey} = keyColumn(found.inventory, state?.column ?? request.column, request.declared)
  const leaving = source.kind === 'hypertable' ? await leavingTimescaledb(db, source) : {refusals: [], notes: []}
  refuseAll(source.relation, [...refusalsOf(found.inventory, column), ...leaving.refusals])
  const key = rowKey(found.inventory, column)!
  const calendar: AdoptPeriods =
    state === null ? request.periods : {every: state.every, zone: state.zone, ahead: state.ahead}
  const periods = await findPeriods(db, request, source, {column: column.name, key: timeKey}, calendar)
  const missing = await missingPartitions(db, source, staging, periods)
  // A partition that is created after the set was completed gets indexes and foreign keys when it is created.
  const complete = state?.built.includes(completionId(found.inventory)) ?? false
  const built = complete ? periods.filter((period) => !missing.includes(period)) : periods
  const direction: Direction = {from: ident(source.schema, source.table), to: ident(staging.schema, source.table)}
  const chain = [
    ...(state === null ? [createShadow({...found, staging, column: column.name, key, periods: calendar})] : []),
    ...createPartitions(found.inventory, staging, missing),
    ...(await copyOf(db, source, {inventory: found.inventory, staging, key: timeKey, state})),
    ...built.map((period) => buildIndexes(found.inventory, staging, key, period)),
    completeSet(found.inventory, staging),
    catchUp(found.inventory, staging, direction, 'before the comparison'),
    ...comparisons(found.inventory, staging, periods, {state, byPeriod: hasTimeIndex(found.inventory, column)}),
    ...foreignKeySteps(found.inventory, staging, built),
    recordNewSet(found.inventory, staging),
    catchUp(found.inventory, staging, direction, 'before the exchange'),
    swapStep(found.inventory, staging, found.fingerprint),
    ...validateReferences(found.inventory),
  ]
  return {
    plan: planOf(
      source.relation,
      `adopt ${source.relation} as a set of ${periods.length} partitions`,
      inOrder(chain.filter(({id, kind}) => !state?.built.includes(id) || (kind === changesKind && isBehind(state)))),
    ),
    carried: carriedOf(found.inventory),
    notes: [...leaving.notes, ...changesOf(found.inventory), ...declaration(source, calendar)],
  }
}

export function planOf(relation: string, summary: string, steps: readonly Step[]): Plan {
  return {operation: `partitions adopt ${relation}`, summary, cutoff: null, tables: [relation], locks: [], steps}
}

/** Each step needs the one before it. */
export function inOrder(steps: readonly Step[]): Step[] {
  return steps.map((step, n) => (n === 0 ? step : {...step, dependsOn: [steps[n - 1]!.id]}))
}

/** The set after the exchange: only foreign keys may still have to be checked. */
async function afterExchange(
  db: Database,
  {relation, table}: Source,
  {oldSchema}: Staging,
  state: AdoptState,
  inventory: Inventory,
): Promise<AdoptPlan> {
  if (state.phase === 'undone')
    throw usageError('ADOPT_UNDONE', `The adoption of ${relation} is being undone, and its copy is not removed yet.`, [
      `Finish that first: ${command('partitions adopt', [relation], {undo: true})}`,
    ])
  const unchecked = {...inventory, referencedBy: inventory.referencedBy.filter(({valid}) => !valid)}
  const steps = validateReferences({
    ...unchecked,
    referencedBy: unchecked.referencedBy.map((key) => ({...key, valid: true})),
  })
  return {
    plan: planOf(relation, `finish the adoption of ${relation}`, inOrder(steps)),
    carried: [],
    notes: await keptNotes(db, relation, formatQualifiedName(oldSchema, table), state),
  }
}

async function keptNotes(db: Database, relation: string, old: string, state: AdoptState): Promise<string[]> {
  const [size] = await db.query<{bytes: number | null}>(statement(loadSql('adopt/sizes'), [old]))
  const {formatBytes} = await import('../units/bytes.js')
  const bytes = size?.bytes == null ? '' : ` (${formatBytes(size.bytes)})`
  return [
    `${relation} is adopted since ${state.swappedAt}. The old table is kept as ${old}${bytes}; ${state.pending} changes since then are recorded, so that the adoption can be undone without losing them.`,
    `Undo it: ${command('partitions adopt', [relation], {undo: true})}`,
    `Drop the old table: ${command('partitions adopt', [relation], {finish: true})}`,
  ]
}

/** A set of pg_partman is a partition set already: only its manager changes. */
function partmanPlan(source: Source, row: PartmanRow): AdoptPlan {
  const plan = planOf(source.relation, `take ${source.relation} over from pg_partman`, [leavePartman(source, row)])
  return {plan, carried: [], notes: partmanNotes(source, row)}
}

function requireUnpartitioned({relation, kind}: Source): void {
  if (kind === 'partitioned')
    throw usageError('PARTITIONED', `${relation} is partitioned already.`, [
      `Its partitions: ${command('partitions list', [relation])}`,
    ])
}

/** @throws OpsError ADOPT_CHANGED if the copy that was begun does not fit the table or the request any more */
function requireSame(source: Source, state: AdoptState, {fingerprint}: FoundInventory, request: AdoptRequest): void {
  const refuse = (message: string) =>
    new OpsError('ADOPT_CHANGED', `${message} Nothing was changed.`, {
      exit: ExitCode.refused,
      suggestions: [
        `Remove the copy, then begin again: ${command('partitions adopt', [source.relation], {undo: true})}`,
      ],
    })
  if (state.source !== source.oid)
    throw refuse(`Another table has the name ${source.relation} since its adoption was begun.`)
  if (state.fingerprint !== fingerprint)
    throw refuse(
      `The definition of ${source.relation}, or of an object that depends on it, was changed after its copy was begun, so the copy does not have that change.`,
    )
  if (request.column !== null && request.column !== state.column)
    throw refuse(`The adoption of ${source.relation} was begun with the column ${formatName(state.column)}.`)
}

function refuseAll(relation: string, refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return
  const lines = refusals.map(({object, reason}) => `- ${object}: ${reason}.`)
  const fixes = refusals.flatMap(({fix}) => fix ?? [])
  throw usageError(
    'CANNOT_ADOPT',
    `${relation} cannot be adopted as it is; nothing was changed.\n${lines.join('\n')}`,
    fixes.map((fix) => `${fix};`),
  )
}

/** @throws OpsError CANNOT_ADOPT if a table with the name of a partition exists */
async function missingPartitions(
  db: Database,
  {schema, table, relation}: Source,
  staging: Staging,
  periods: readonly AdoptPeriod[],
): Promise<AdoptPeriod[]> {
  const rows = await db.query<{name: string; parent: string | null}>(
    sql`select c.relname as name, (select format('%I.%I', n.nspname, p.relname) from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = p.relnamespace where i.inhrelid = c.oid) as parent
from pg_class c where c.relnamespace = (select oid from pg_namespace where nspname = ${schema}) and c.relname = any (${periods.map(({partition}) => partition)}::text[])`,
  )
  const ours = formatQualifiedName(staging.schema, table)
  refuseAll(
    relation,
    rows
      .filter(({parent}) => parent !== ours)
      .map(({name}) => ({
        object: formatQualifiedName(schema, name),
        reason: 'a relation with the name of a partition exists already',
        fix: null,
      })),
  )
  const present = new Set(rows.map(({name}) => name))
  return periods.filter(({partition}) => !present.has(partition))
}

interface CopyRequest {
  inventory: Inventory
  staging: Staging
  key: TimeKey
  state: AdoptState | null
}

async function copyOf(db: Database, source: Source, request: CopyRequest): Promise<Step[]> {
  const {inventory, staging, state} = request
  const {blockSize} = source
  const hypertable = source.kind === 'hypertable'
  const copying = state === null || state.blocks === null ? null : {...state, blocks: state.blocks}
  const record = copying ? [] : [recordChanges(inventory, staging, defaultLimits.exclusiveLockTimeout, !hypertable)]
  if (hypertable) return [...record, ...(await copyHypertable(db, {...request, copiedTo: state?.copiedTo ?? null}))]
  const blocks = source.blocks ?? 0
  if (copying === null) return [...record, ...copySteps(inventory, staging, {blocks, from: 0, blockSize})]
  if (copying.copied >= Math.max(copying.blocks, 1)) return []
  if (copying.filenode !== source.filenode)
    return [copyAgain(inventory, staging), ...copySteps(inventory, staging, {blocks, from: 0, blockSize})]
  return copySteps(inventory, staging, {blocks: copying.blocks, from: copying.copied, blockSize})
}

/** One step a period where an index finds its rows, else one for all, which reads the table once. */
function comparisons(
  inventory: Inventory,
  staging: Staging,
  periods: readonly AdoptPeriod[],
  {state, byPeriod}: {state: AdoptState | null; byPeriod: boolean},
): Step[] {
  const open = periods.filter(({lower}) => !(state?.verified ?? []).includes(lower))
  if (open.length === 0) return []
  return byPeriod
    ? open.map((period) => compareStep(inventory, staging, [period]))
    : [compareStep(inventory, staging, periods)]
}

function declaration({relation}: Source, {every, zone}: AdoptPeriods): string[] {
  const more = zone === 'UTC' ? '' : `, timezone: ${zone}`
  return [
    `Declare the set, so that its partitions are kept ahead: tables: {${relation}: {partitions: {every: ${every}${more}}}}`,
  ]
}

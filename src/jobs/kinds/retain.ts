import type {Database} from '../../db/database.js'
import {can} from '../../engines/index.js'
import {loadSql} from '../../db/load-sql.js'
import {literal, sql, statement} from '../../db/sql.js'
import type {Plan} from '../../run/step.js'
import {findByName} from '../../catalog/read-emulated.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import {undeclared} from '../../partitions/undeclared.js'
import {ExitCode, OpsError} from '../../errors.js'
import {command} from '../../units/command.js'
import {partitionsDefined} from '../../partitions/declared.js'
import {planRetain} from '../../partitions/retain/retain.js'
import {nameKey} from '../../partitions/sets.js'
import {stagesOf, type Stages} from '../../partitions/retain/stages.js'
import {readContext} from '../../chunks/context.js'
import {keptLines, planRetainChunks, type RetainChunksRequest} from '../../chunks/retain.js'
import {exportOf, policyExportsRows} from '../../policies/retention-export.js'
import type {Duration} from '../../units/duration.js'
import {readConsents} from '../../policies/read-state.js'
import {readConfig} from '../../policies/table-state.js'
import type {JobContext, JobKind, JobWork as PlannedWork} from '../kind.js'
import {policyWork, type JobWork} from './tables.js'

/** Gated retention: calls qicore.retain, which checks consent and coverage and limits the drops of a run. */
export const job: JobKind<'retain'> = {
  kind: 'retain',
  summary: 'Drops the chunks and partitions that gated retention policies allow to drop.',
  async plan(db, {tables}, context) {
    const {keys, staged, exported, enforced, notes, problems} = await retainWork(db, tables, context)
    const parts = await confirmedWork(db, [...staged, ...exported], context)
    return {
      plans: [...keys.map(retainPlan), ...parts.plans],
      enforced,
      notes: [...notes, ...parts.notes],
      problems: [...problems, ...parts.problems],
    }
  },
}

type PlannedPart = Pick<PlannedWork, 'plans' | 'notes' | 'problems'>

/** A table whose gated retention has stages. */
export interface StagedTable {
  key: string
  stages: Stages
  most: number | null
}

/** A hypertable whose gated retention exports each chunk before its drop. */
export interface ExportedTable {
  key: string
  after: Duration
  exportTo: RetainChunksRequest['exportTo']
  most: number | null
}

/** What this program carries out itself, of the policies that were confirmed and not changed since. */
async function confirmedWork(
  db: Database,
  tables: readonly (StagedTable | ExportedTable)[],
  context: JobContext,
): Promise<PlannedPart> {
  const work = {plans: [] as Plan[], notes: [] as string[], problems: [] as OpsError[]}
  if (tables.length === 0) return work
  const confirmed = await readConsents(db)
  for (const each of tables) {
    const {key} = each
    if (!confirmed.some(({object, consentValid}) => consentValid && nameKey(object) === nameKey(key))) {
      work.problems.push(
        new OpsError(
          'NOT_CONFIRMED',
          `${key}: the retention is not confirmed since it was changed: nothing was done.`,
          {
            exit: ExitCode.refused,
            suggestions: [`To confirm it: ${command('policies apply')}`],
          },
        ),
      )
      continue
    }
    try {
      const part = 'stages' in each ? await stageWork(db, each, context) : await chunkWork(db, each, context)
      work.plans.push(...part.plans)
      work.notes.push(...part.notes)
      work.problems.push(...part.problems)
    } catch (error) {
      // What is wrong with one table must not keep the others from their retention.
      if (!(error instanceof OpsError)) throw error
      work.problems.push(ofTable(key, error))
    }
  }
  return work
}

async function stageWork(db: Database, {key, stages, most}: StagedTable, context: JobContext): Promise<PlannedPart> {
  const rules = context.partitions(await partitionsDefined(db))
  const rule = {...(rules.find(({relation}) => nameKey(relation) === nameKey(key)) ?? undeclared(key)), stages}
  const {plan, withheld} = await planRetain(db, {relation: key, rule, most})
  return {
    plans: [{...plan, operation: `retain ${key}`}],
    notes: [],
    problems: withheld.map(({partition, task, why}) =>
      heldBack(key, `${partition}: ${task} is due and was not done: ${why}`),
    ),
  }
}

async function chunkWork(
  db: Database,
  {key, after, exportTo, most}: ExportedTable,
  {sections}: JobContext,
): Promise<PlannedPart> {
  const context = await readContext(db, key, sections)
  const {plan, kept, notes} = await planRetainChunks(db, {context, after, exportTo, most})
  return {plans: [plan], notes, problems: keptLines(context.table, kept).map((line) => heldBack(key, line))}
}

function ofTable(key: string, {code, message, exitCode, retryable, suggestions}: OpsError): OpsError {
  return new OpsError(code, `${key}: ${message}`, {exit: exitCode, retryable, suggestions})
}

/** What the gate of a retention keeps. */
function heldBack(key: string, line: string): OpsError {
  return new OpsError('HELD_BACK', line, {suggestions: [`The reasons: ${command('policies why', [key, 'retention'])}`]})
}

interface RetainWork {
  /** Tables whose retention a routine carries out. */
  keys: string[]
  /** Tables whose retention has stages. */
  staged: StagedTable[]
  /** Tables whose chunks are exported before they are dropped. */
  exported: ExportedTable[]
  enforced: JobWork['enforced']
  notes: string[]
  problems: OpsError[]
}

/** The tables whose gated retention no other scheduler runs. */
export async function retainWork(
  db: Database,
  tables: readonly string[] | undefined,
  context: JobContext,
): Promise<RetainWork> {
  const {snapshot, subjects, enforced, notes, problems, unfit} = await policyWork(db, 'retention', tables, context)
  const gated = await gatedTables(db, snapshot.tables)
  const keys: string[] = []
  const staged: StagedTable[] = []
  const exported: ExportedTable[] = []
  for (const {table, policies} of subjects) {
    const key = qualifiedName(table)
    if (policies.every(({job}) => job !== null))
      notes.push(
        `${key} has an ungated retention policy of TimescaleDB, whose workers are not running: this job does not ` +
          'run it',
      )
    else if (gated.has(table) && db.server.workers !== 'dead' && !policies.some(policyExportsRows))
      enforced.push({what: `retention of ${key}`, by: 'timescaledb'})
    else {
      const [policy] = policies
      const config = readConfig(policy!.config)
      const most = typeof config.maxDropPerRun === 'number' ? config.maxDropPerRun : null
      const [stages, exportTo, after] = [stagesOf(config), exportOf(config), policy!.after]
      if (stages !== null) staged.push({key, stages, most})
      else if (exportTo !== null && after !== null && typeof after !== 'bigint')
        exported.push({key, after, exportTo, most})
      // The routine refuses an export that cannot be read: the row was edited by hand.
      else keys.push(key)
    }
  }
  return {keys, staged, exported, enforced, notes, problems: [...problems, ...unfit]}
}

/** The tables for which a job of TimescaleDB calls the same procedure. */
async function gatedTables(db: Database, tables: readonly Table[]): Promise<Set<Table>> {
  if (!can(db.server.engine, 'policies') || !db.server.hasQicoreSchema) return new Set()
  const jobs = await db.query<{object: string | null; scheduled: boolean}>(statement(loadSql('catalog/gated-jobs')))
  const found = jobs.flatMap(({object, scheduled}) =>
    object !== null && scheduled ? (findByName(tables, object) ?? []) : [],
  )
  return new Set(found)
}

function retainPlan(key: string): Plan {
  return {
    operation: `retain ${key}`,
    summary: `gated retention of ${key}`,
    cutoff: null,
    tables: [key],
    locks: [],
    steps: [
      {
        id: `retain ${key}`,
        kind: 'retain',
        object: key,
        errorsNameObject: true,
        statements: [sql`call qicore.retain(0, ${literal(JSON.stringify({object: key}))}::jsonb)`],
        lock: 'ACCESS EXCLUSIVE',
        class: 'loss',
        // The procedure commits after each chunk.
        transaction: 'none',
        doneCheck: null,
        repeatable: true,
        dependsOn: [],
        relations: [key],
        bytes: null,
      },
    ],
  }
}

/**
 * What a run of these plans would check, oldest first, as one sentence for each table. Coverage is checked at run time.
 */
export async function retainNotes(db: Database, plans: readonly Plan[]): Promise<string[]> {
  const keys = plans.flatMap(({steps}) => steps.filter(({kind}) => kind === 'retain').map(({object}) => object))
  if (keys.length === 0 || !db.server.hasQicoreSchema) return []
  const notes: string[] = []
  for (const key of keys) {
    const rows = await db.query<{label: string; relations: string[]; most: number}>(
      statement(loadSql('jobs/retain-preview'), [key]),
    )
    if (rows.length === 0) {
      notes.push(`${key}: no chunk or partition is older than its retention`)
      continue
    }
    const shown = rows.slice(0, 5).map(({label, relations}) => `${relations.join(', ')} (${label})`)
    const more = rows.length > shown.length ? ` and ${rows.length - shown.length} more` : ''
    notes.push(
      `${key}: a run drops at most ${rows[0]!.most} of these, as far as aggregates have computed them: ` +
        `${shown.join('; ')}${more}`,
    )
  }
  return notes
}

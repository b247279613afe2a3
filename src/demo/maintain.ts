import type {Database} from '../db/database.js'
import {timescaledbFunction} from '../db/server.js'
import {sql} from '../db/sql.js'
import {planRefresh} from '../ops/aggregates/plan-refresh.js'
import {planPolicies} from '../ops/policies/plan.js'
import {defaultLimits} from '../plan/limits.js'
import type {Step} from '../plan/step.js'
import {dueState} from '../reports/due.js'
import {readDeclared} from '../reports/policies/read-declared.js'
import {survey, type Survey} from '../reports/survey.js'
import {keyOf, type Table} from '../reports/table.js'
import {qicore} from '../schema/qicore.js'
import {demoTarget} from './place.js'

const quiet = {lateAfter: 0, timeUnits: new Map()}

/** The definitions' policies, made real in the demo's database where they are not yet. */
export async function policySteps(db: Database): Promise<readonly Step[]> {
  const {plan} = await planPolicies(db, {declared: await readDeclared(db, null), maxDropPerRun: defaultLimits.maxDropPerRun, target: demoTarget})
  return plan.steps
}

/** Everything that the aggregates have not computed yet, up to their last complete bucket. */
export async function refreshSteps(db: Database): Promise<Step[]> {
  const its = await survey(db, quiet)
  const steps: Step[] = []
  for (const {schema, name} of qicore.aggregates) {
    const aggregate = its.tables.find((table) => table.schema === schema && table.name === name)!
    const span = spanOfChunks(aggregate.aggregate!.source!)
    if (span === null) continue
    const clock = its.clocks.get(aggregate)!
    steps.push(...(await planRefresh(db, {aggregate, clock, span: {start: span.start, end: clock.now!}, policies: [], acceptLoss: false})).plan.steps)
  }
  return steps
}

/** Chunks that the policies would compress by now; here nobody else will. */
export async function compressSteps(db: Database): Promise<Step[]> {
  const its: Survey = await survey(db, quiet)
  const due = its.policies
    .filter(({kind}) => kind === 'compression')
    .flatMap((policy) => dueState(policy, its.clocks.get(policy.table)!, its.at, 0).notDone.map(({chunk}) => ({chunk, table: policy.table})))
  return due
    .sort((a, b) => Number((a.chunk.start ?? 0n) - (b.chunk.start ?? 0n)))
    .map(({chunk, table}) => ({
      ...step(`compress ${chunk.schema}.${chunk.name}`, sql`select ${timescaledbFunction(db.server, 'compress_chunk')}(${`${chunk.schema}.${chunk.name}`}::regclass)`,
        sql`select is_compressed as done from timescaledb_information.chunks where chunk_schema = ${chunk.schema} and chunk_name = ${chunk.name}`),
      object: keyOf(table),
      lock: 'ACCESS EXCLUSIVE' as const,
    }))
}

/** Fresh statistics: the planner has none of tables that were just filled. */
export function analyzeSteps(): Step[] {
  return qicore.tables.filter(({hypertable}) => hypertable).map(({schema, name}) => ({
    ...step(`analyze ${schema}.${name}`, {text: `analyze ${schema}.${name}`, values: []}, null),
    lock: 'SHARE UPDATE EXCLUSIVE' as const,
  }))
}

function spanOfChunks({chunks}: Table): {start: bigint} | null {
  const starts = chunks.map(({start}) => start).filter((start) => start !== null)
  return starts.length === 0 ? null : {start: starts.reduce((least, start) => (start < least ? start : least))}
}

function step(id: string, what: Step['statements'][number], doneCheck: Step['doneCheck']): Step {
  return {
    id,
    kind: id.split(' ')[0]!,
    object: id.split(' ').at(-1)!,
    statements: [what],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    transaction: 'own',
    doneCheck,
    repeatable: true,
    dependsOn: [],
    relations: [],
    bytes: null,
  }
}

import type {Database} from '../../db/database.js'
import {statement} from '../../db/sql.js'
import {planRefresh} from '../../aggregates/plan-refresh.js'
import {planCompress} from '../../chunks/compress.js'
import {planPolicies} from '../../policies/plan/plan.js'
import {defaultLimits} from '../../run/limits.js'
import type {Step} from '../../run/step.js'
import {readDeclared} from '../../policies/declared/read-declared.js'
import {readSnapshot} from '../../catalog/snapshot.js'
import type {Table} from '../../catalog/table.js'
import {qicore} from '../definition.js'
import {parseDuration} from '../../units/duration.js'
import {demoTarget} from './place.js'

const quiet = {lateAfter: 0, timeUnits: new Map()}

/** The steps that create the policies of the definitions that the demo's database lacks. */
export async function policySteps(db: Database): Promise<readonly Step[]> {
  const {plan} = await planPolicies(db, {
    declared: await readDeclared(db, null),
    maxDropPerRun: defaultLimits.maxDropPerRun,
    target: demoTarget,
  })
  return plan.steps
}

/** Refreshes the aggregates up to their last complete bucket. */
export async function refreshSteps(db: Database): Promise<Step[]> {
  const snapshot = await readSnapshot(db, quiet)
  const steps: Step[] = []
  for (const {schema, name} of qicore.aggregates) {
    const aggregate = snapshot.tables.find((table) => table.schema === schema && table.name === name)!
    const span = spanOfChunks(aggregate.aggregate!.source!)
    if (span === null) continue
    const clock = snapshot.clocks.get(aggregate)!
    steps.push(
      ...(
        await planRefresh(db, {
          aggregate,
          clock,
          span: {start: span.start, end: clock.now!},
          policies: [],
          acceptLoss: false,
        })
      ).plan.steps,
    )
  }
  return steps
}

/** Compresses the chunks that the policies would have compressed by now; the demo has no scheduler. */
export async function compressSteps(db: Database): Promise<Step[]> {
  const snapshot = await readSnapshot(db, quiet)
  const steps: Step[] = []
  for (const {schema, name, compression} of qicore.tables) {
    if (!compression) continue
    const table = snapshot.tables.find((candidate) => candidate.schema === schema && candidate.name === name)!
    const policies = snapshot.policies.filter((policy) => policy.table === table)
    const {plan} = await planCompress(db, {
      table,
      clock: snapshot.clocks.get(table)!,
      at: snapshot.at,
      choose: null,
      policies,
      declared: parseDuration(compression.after),
    })
    steps.push(...plan.steps)
  }
  return steps
}

/** Updates the planner's statistics, which newly filled tables lack. */
export function analyzeSteps(): Step[] {
  return qicore.tables
    .filter(({hypertable}) => hypertable)
    .map(({schema, name}) => ({
      id: `analyze ${schema}.${name}`,
      kind: 'analyze',
      object: `${schema}.${name}`,
      statements: [statement(`analyze ${schema}.${name}`)],
      lock: 'SHARE UPDATE EXCLUSIVE',
      class: 'safe',
      transaction: 'own',
      doneCheck: null,
      repeatable: true,
      dependsOn: [],
      relations: [`${schema}.${name}`],
      bytes: null,
    }))
}

function spanOfChunks({chunks}: Table): {start: bigint} | null {
  const starts = chunks.map(({start}) => start).filter((start) => start !== null)
  return starts.length === 0 ? null : {start: starts.reduce((least, start) => (start < least ? start : least))}
}

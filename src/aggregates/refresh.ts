import type {Database} from '../db/database.js'
import {timescaledbFunction} from '../db/server.js'
import {literal, sql, statement, type Statement} from '../db/sql.js'
import type {Step} from '../run/step.js'
import {qualifiedName} from '../catalog/table.js'
import {gapsQuestion} from '../catalog/coverage-sql.js'
import {instantOf} from '../catalog/time.js'
import {differsExpression, type EmulatedGaps} from './emulated-coverage.js'
import {highest, lowest, spanId, type Span} from '../catalog/span.js'
import {pointText} from '../catalog/time-key.js'
import {bucketsOf, type AggregateSubject} from './subject.js'
import type {RefreshWindow} from './windows.js'

/** One step for each window of an aggregate. */
export async function refreshSteps(
  db: Database,
  subject: AggregateSubject,
  windows: readonly RefreshWindow[],
  dependsOn: readonly string[],
  loss: boolean,
): Promise<Step[]> {
  const {aggregate} = subject
  const own = aggregate.id === null ? ((await bucketsOf(db, subject, windows.slice(0, 1)))[0]?.own ?? null) : null
  return windows.map((window) => ({
    id: `refresh ${qualifiedName(aggregate)} ${spanId(window, aggregate.time)}`,
    kind: 'refresh',
    object: qualifiedName(aggregate),
    statements: [aggregate.id === null ? callEmulated(subject, window) : callContinuous(db, subject, window)],
    lock: aggregate.id === null ? 'ROW EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE',
    class: loss ? 'loss' : 'safe',
    // refresh_continuous_aggregate commits, so it cannot run inside a transaction block.
    transaction: aggregate.id === null ? 'own' : 'none',
    doneCheck: own === null ? isComputed(db, subject, window) : isEmulatedComputed(subject, own, window),
    repeatable: true,
    dependsOn,
    relations: [qualifiedName({schema: aggregate.storage.schema, name: aggregate.storage.name})],
    bytes: null,
  }))
}

/** Batches of a window can begin or end between the two hours of a clock change. */
const wholeWindow = '{"buckets_per_batch": 0}'

/** The bounds are literals without a type: PostgreSQL resolves them to the type of the time column. */
function callContinuous(db: Database, {aggregate}: AggregateSubject, {call, force}: RefreshWindow): Statement {
  const bound = (point: bigint) =>
    point <= lowest || point >= highest ? literal(null) : literal(pointText(point, aggregate.time))
  const options = force ? sql`, force => true, options => ${literal(wholeWindow)}` : sql``
  return sql`call ${timescaledbFunction(db.server, 'refresh_continuous_aggregate')}(${literal(qualifiedName(aggregate))}::regclass, ${bound(call.start)}, ${bound(call.end)}${options})`
}

function callEmulated({aggregate}: AggregateSubject, {start, end}: Span): Statement {
  return sql`select qicore.refresh_aggregate(${qualifiedName(aggregate)}::regclass, ${instantOf(start)}::timestamptz, ${instantOf(end)}::timestamptz)`
}

/** Null where the log is not to be relied on: an earlier window's refresh may have removed an entry of this one. */
function isComputed(db: Database, {aggregate}: AggregateSubject, window: RefreshWindow): Statement | null {
  if (window.force) return null
  const {text, values} = gapsQuestion(db.server, [{id: aggregate.id!, ...window}])
  return statement(`select not exists (select from (\n${text}\n) as g where g.gaps <> '{}') as done`, values)
}

function isEmulatedComputed({aggregate}: AggregateSubject, own: EmulatedGaps, window: Span): Statement | null {
  const differs = differsExpression(own, window)
  if (differs === null) return null
  const covered = sql`select from qicore.aggregates where to_regclass(view) = ${qualifiedName(aggregate)}::regclass
    and covered @> tstzrange(${instantOf(window.start)}::timestamptz, ${instantOf(window.end)}::timestamptz)`
  return sql`select exists (${covered}) and not (${differs}) as done`
}

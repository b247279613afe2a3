import type {Database} from '../db/database.js'
import {timescaledbFunction, type Server} from '../db/server.js'
import {raw, sql, type Fragment} from '../db/sql.js'
import type {Step} from '../run/step.js'
import type {CatalogSnapshot} from '../catalog/snapshot.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import type {TimeKind} from '../catalog/time.js'
import {edgesOf, type Edge} from '../aggregates/buckets.js'
import {dependents, readCoverage} from '../aggregates/coverage.js'
import {pointText, spanOf} from '../catalog/span.js'

/**
 * What TimescaleDB's own retention leaves behind: each of its drops invalidates the first microsecond of what comes
 * after. The gated one would never drop the chunk that begins there, so that its first bucket is computed once more;
 * its rows are all there.
 */
export async function conversionSteps(db: Database, table: Table, snapshot: CatalogSnapshot): Promise<Step[]> {
  const [oldest] = table.chunks
    .filter(({start, end}) => start !== null && end !== null)
    .sort((a, b) => (a.start! < b.start! ? -1 : 1))
  if (oldest === undefined || table.id === null) return []
  const start = oldest.start!
  const coverage = await readCoverage(db, {
    tables: snapshot.all,
    table,
    spans: [spanOf(oldest)],
    present: snapshot.clocks.get(table)?.now ?? null,
  })
  const marked = coverage.filter(
    ({level, aggregate, gaps}) =>
      level === 1 && aggregate !== null && gaps.some((gap) => gap.start <= start && start < gap.end),
  )
  const steps: Step[] = []
  for (const {aggregate} of marked) {
    const before = steps.length
    for (const each of [aggregate!, ...dependents(snapshot.all, aggregate!).map((over) => over.aggregate)]) {
      const edge = (await edgesOf(db, each, [start, start + 1n])).get(start + 1n)!
      if (edge.floor >= start || each !== aggregate)
        steps.push(
          refreshStep(
            db.server,
            each,
            edge,
            steps.slice(before).map(({id}) => id),
          ),
        )
    }
  }
  return steps
}

function refreshStep(server: Server, aggregate: Table, {floor, ceil}: Edge, dependsOn: readonly string[]): Step {
  const key = qualifiedName(aggregate)
  return {
    id: `refresh ${key} from ${pointText(floor, aggregate.time)}`,
    kind: 'refresh',
    object: key,
    statements: [
      sql`call ${timescaledbFunction(server, 'refresh_continuous_aggregate')}(${key}::regclass, ${pointText(floor, aggregate.time)}::${typeOf(aggregate)}, ${pointText(ceil, aggregate.time)}::${typeOf(aggregate)})`,
    ],
    lock: 'ROW EXCLUSIVE',
    class: 'safe',
    // It commits by itself, and refuses to be in a transaction.
    transaction: 'none',
    doneCheck: null,
    repeatable: true,
    dependsOn,
    relations: [key],
    bytes: null,
  }
}

function typeOf({time}: Table): Fragment {
  return raw(sqlTypes.get(time) ?? time)
}

/** The SQL type of a time column, where it is not called like the column's kind. */
const sqlTypes: ReadonlyMap<TimeKind, string> = new Map([
  ['integer', 'bigint'],
  ['uuid', 'timestamptz'],
])

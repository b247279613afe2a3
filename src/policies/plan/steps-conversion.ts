import type {Database} from '../../db/database.js'
import {timescaledbFunction, type Server} from '../../db/server.js'
import {raw, sql, type Fragment} from '../../db/sql.js'
import type {Step} from '../../run/step.js'
import type {CatalogSnapshot} from '../../catalog/snapshot.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import type {TimeKind} from '../../catalog/time.js'
import {edgesOf, type Edge} from '../../aggregates/buckets.js'
import {dependents, readCoverage} from '../../aggregates/coverage.js'
import {spanOf} from '../../catalog/span.js'
import {pointText} from '../../catalog/time-key.js'

/**
 * Steps after TimescaleDB's own retention was replaced by a gated one. Each native drop invalidated the first
 * microsecond of the following chunk, so the gated retention would never drop that chunk. Its first bucket is
 * refreshed;
 * all of its rows exist.
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
    compareRows: false,
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
    // refresh_continuous_aggregate commits, so it cannot run inside a transaction block.
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

/** SQL types of time columns whose kind is not the name of the type. */
const sqlTypes: ReadonlyMap<TimeKind, string> = new Map([
  ['integer', 'bigint'],
  ['uuid', 'timestamptz'],
])

import {addInterval} from '../../catalog/interval.js'
import {boundText, isZoned} from '../../catalog/time-key.js'
import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import {ident, sql, statement} from '../../db/sql.js'
import {durationInWords} from '../../units/duration.js'
import {allUnseen} from './detach-record.js'
import {nowOf} from './detached.js'
import type {Remembered} from './remembered.js'
import type {PartitionSet} from '../sets.js'
import type {MoveFacts} from './stage-steps.js'
import type {Stages, StageTask} from './stages.js'

/** What keeps due stages from being carried out. */
export interface Obstacles {
  moves: ReadonlyMap<number, MoveFacts>
  /** Objects that depend on a table, by its qualified name. */
  dependents: ReadonlyMap<string, string>
  /** Why no table of the set is dropped now; null if they may be. */
  feed: string | null
}

/** A detached table with the stages that are due for it. */
export interface StageWork {
  each: Remembered
  tasks: StageTask[]
}

/** What would make a due stage fail or lose the last copy, read for all tables of a set at once. */
export async function readObstacles(
  db: Database,
  set: PartitionSet,
  stages: Stages,
  work: readonly StageWork[],
  now: bigint,
): Promise<Obstacles> {
  const of = (task: StageTask) => work.filter(({tasks}) => tasks.includes(task)).map(({each}) => each)
  const [moving, dropping] = [of('move'), of('drop')]
  const role = db.target.role ?? db.server.role
  const [moves, dependents] = await Promise.all([
    moving.length === 0
      ? []
      : db.query<MoveFacts & {oid: number}>(
          statement(loadSql('partitions/move-facts'), [
            moving.map(({oid}) => oid),
            stages.archive?.schema ?? null,
            stages.archive?.tablespace ?? null,
            role,
          ]),
        ),
    dropping.length === 0
      ? []
      : db.query<{relation: string; dependents: string}>(
          statement(loadSql('catalog/dependents'), [dropping.map(({table}) => table!.relation)]),
        ),
  ])
  return {
    moves: new Map(moves.map((row) => [row.oid, row])),
    dependents: new Map(dependents.map((row) => [row.relation, row.dependents])),
    feed: dropping.length === 0 ? null : await feedStopped(db, set, stages, now),
  }
}

/** If the newest row is older than the age of the drop, the feed may have stopped, and a table may be the last copy. */
async function feedStopped(db: Database, set: PartitionSet, {drop}: Stages, now: bigint): Promise<string | null> {
  const [key, column] = [set.key!, ident(set.column!)]
  const local = isZoned(key) ? now : nowOf({zoned: false}, set.rule, now)
  const [from, to] = [addInterval(local, drop!, -1), addInterval(local, {months: 0, days: 1, seconds: 0})]
  const [row] = await db.query<{fresh: boolean}>(
    sql`select exists (select 1 from ${ident(set.schema, set.table)} where ${column} >= ${boundText(key, from)} and ${column} <= ${boundText(key, to)}) as fresh`,
  )
  if (row!.fresh) return null
  return `the newest row of ${set.relation} is older than ${durationInWords(drop!)}, so this may be the last copy`
}

/** Why a stage cannot be carried out; null if nothing is known. */
export function obstacleTo(
  {server}: Database,
  set: PartitionSet,
  {oid, seen, table}: Remembered,
  task: StageTask,
  {moves, dependents, feed}: Obstacles,
): string | null {
  if (task === 'count' && seen === allUnseen)
    return (
      'the aggregates over the table had not computed its rows when it was detached: attach it again, refresh ' +
      'them, and detach it again'
    )
  if (task === 'move') {
    const facts = moves.get(oid)
    if (server.citus !== null && set.distributed && (facts?.tables.length ?? 0) > 0)
      return 'Citus distributes it, and does not move distributed tables to another tablespace'
    return facts?.problem ?? null
  }
  if (task !== 'drop') return null
  const dependent = dependents.get(table!.relation)
  return dependent === undefined ? feed : `other objects depend on it: ${dependent}`
}

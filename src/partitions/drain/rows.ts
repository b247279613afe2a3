import type {Database} from '../../db/database.js'
import {ident, inline, literal, raw, sql, type Statement} from '../../db/sql.js'
import {boundText, isZoned, pointOf} from '../../catalog/time-key.js'
import {microsOf} from '../../catalog/time.js'
import {toInterval} from '../../units/duration.js'
import {countSettings} from '../default-partition.js'
import {inWords, keyEnds} from '../key-values.js'
import type {PartitionRule} from '../periods.js'
import type {PartitionSet} from '../sets.js'

/** Rows of a default partition for which no partition is made. */
export interface Nonsense {
  partition: string
  kind: 'too early' | 'too late' | 'null'
  rows: number
  oldest: string | null
  newest: string | null
  /** The query that shows them. */
  sql: string
}

export interface DefaultRows {
  nonsense: Nonsense[]
  /** The first and the last point of the rows that are not; null if there are none. Microseconds since 1970. */
  ends: {start: bigint; end: bigint} | null
}

interface Counted {
  kind: Nonsense['kind'] | 'sane'
  rows: number
  oldest: string | null
  newest: string | null
}

/** Counts the rows before `earliest`, further ahead than `within`, and those without a key. Reads all of it once. */
export async function readDefaultRows(
  db: Database,
  set: PartitionSet,
  rest: string,
  rule: Pick<PartitionRule, 'earliest' | 'within' | 'timezone'>,
): Promise<DefaultRows> {
  const key = set.key!
  const column = ident(set.column!)
  const latest = literal(boundText(key, await latestPoint(db, rule, isZoned(key))))
  const lowest = literal(boundText(key, microsOf(rule.earliest)))
  const conditions: Record<Nonsense['kind'], Statement> = {
    null: sql`${column} is null`,
    'too early': sql`${column} < ${lowest}`,
    'too late': sql`${column} >= ${latest}`,
  }
  const counted = await db.query<Counted>(
    sql`select case when ${conditions.null} then 'null' when ${conditions['too early']} then 'too early' when ${conditions['too late']} then 'too late' else 'sane' end as kind,
  count(*) as rows, ${keyEnds(key, column)}
from ${raw(rest)} group by 1 order by 1`,
    countSettings,
  )
  const nonsense = counted.flatMap(({kind, ...found}): Nonsense[] => {
    if (kind === 'sane') return []
    const query = inline(sql`select * from ${raw(rest)} where ${conditions[kind]} order by ${column} limit 100`)
    return [{partition: rest, kind, ...inWords(key, found), sql: query}]
  })
  const sane = counted.find(({kind}) => kind === 'sane')
  const [start, end] = [sane?.oldest, sane?.newest].map((text) => (text == null ? null : pointOf(key, text)))
  return {nonsense, ends: start == null || end == null ? null : {start, end}}
}

/** The instant, or the local time, after which a row is taken for a mistake. */
async function latestPoint(
  db: Database,
  {within, timezone}: Pick<PartitionRule, 'within' | 'timezone'>,
  zoned: boolean,
): Promise<bigint> {
  const [row] = await db.query<{latest: string}>(
    sql`select (floor(extract(epoch from case when ${String(zoned)}::boolean then at else at at time zone ${timezone} at time zone 'UTC' end)) * 1000000)::int8::text as latest
from (select statement_timestamp() + ${toInterval(within)}::interval as at) as later`,
  )
  return BigInt(row!.latest)
}

/** One sentence about rows that are not moved. */
export function nonsenseWords(
  {partition, kind, rows, oldest, newest, sql: query}: Nonsense,
  rule: PartitionRule,
): string {
  const many = `${rows} ${rows === 1 ? 'row' : 'rows'}`
  const range = oldest === newest ? `${oldest}` : `${oldest} to ${newest}`
  const why = {
    'too early': `before ${rule.earliest} (${range})`,
    'too late': `further ahead than partitions.within allows (${range})`,
    null: 'without a time',
  }[kind]
  return `${partition} keeps ${many} ${why}. To see them: ${query}`
}

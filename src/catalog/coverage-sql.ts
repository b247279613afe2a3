import {loadSql} from '../db/load-sql.js'
import type {Server} from '../db/server.js'
import {ident, statement, type Statement} from '../db/sql.js'

/** Tags of the dollar-quoted texts from which sql/routines/coverage.sql builds its statement. */
export type CoveragePart = 'over' | 'edges' | 'wanted' | 'gaps' | 'answer'

const routine = 'routines/coverage'

/**
 * Texts of the routine qicore.coverage as parts of a statement for this server. The routine is the only definition of
 * what an aggregate has covered; a database without the qicore schema is queried with the same texts.
 */
export function coverageParts(
  server: Server,
  parts: readonly CoveragePart[],
  noted: 'unfinished too' | 'logs only' = 'unfinished too',
): string {
  const unfinished =
    server.materializationRanges !== null && noted === 'unfinished too' ? taggedText(routine, 'unfinished') : ''
  return parts
    .map((part) => taggedText(routine, part))
    .join('')
    .replaceAll('%1$I', ident(server.timescaledbSchema ?? 'public').text)
    .replaceAll('%2$s', () => unfinished)
    .replaceAll('%%', '%')
}

/** The dollar-quoted text with a tag in `sql/<name>.sql`, without comments: scripts repeat it for every step. */
export function taggedText(name: string, tag: string): string {
  const found = loadSql(name).split(['', tag, ''].join('$'))
  if (found.length !== 3) throw new Error(`sql/${name}.sql does not have exactly one text quoted with the tag ${tag}`)
  return found[1]!.replace(/^ *--.*\n/gm, '')
}

/** Ranges of aggregates in whole buckets. */
export interface WantedRange {
  /** Id of the aggregate's hypertable. */
  id: number
  start: bigint
  end: bigint
}

export interface GapRow {
  /** Number of the range, from 1. */
  position: number
  /** An int8multirange as text; `{}` if everything is computed. */
  gaps: string
}

/** Returns one {@link GapRow} a range: the parts that are not computed, or whose rows changed since. */
export function gapsQuestion(server: Server, wanted: readonly WantedRange[], noted?: 'logs only'): Statement {
  const values = [wanted.map(({id}) => id), wanted.map(({start}) => String(start)), wanted.map(({end}) => String(end))]
  return statement(
    `with wanted as materialized (
  select r.position, r.id, r.since, r.until
  from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as r (id, since, until, position)
)${coverageParts(server, ['gaps'], noted)}
select g.position::int as position, g.gaps::text as gaps from gap g`,
    values,
  )
}

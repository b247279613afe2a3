import {lackOf} from '../engines/index.js'
import {formatQualifiedName} from '../db/qualified-name.js'
import {quoteLiteral} from '../db/sql.js'
import type {Server} from '../db/server.js'
import {goesByAge} from '../catalog/live-policies.js'
import {qualifiedName, type Table} from '../catalog/table.js'
import type {TimeUnit} from '../catalog/time.js'
import type {LiveRule} from './table-state.js'

/** Why every run of a policy fails. */
export type NeverRunsCode =
  /** Ages of integers are counted from an integer_now function, and there is none. */
  | 'no_clock'
  /** TimescaleDB's policies by age read UUIDv7 from 2.25 on. */
  | 'uuid_unsupported'
  /** TimescaleDB's retention goes by the creation of chunks only in newer versions, and never beside an integer_now. */
  | 'created_before_unsupported'
  /** TimescaleDB's compression policy reads times and integers only: its procedure has no case for other keys. */
  | 'key_unsupported'
  /** The Apache edition has none of the policies' procedures. */
  | 'apache_edition'

export interface NeverRuns {
  code: NeverRunsCode
  /** What fails and since when it would work, as the end of a sentence about the policy. */
  why: string
  /** What to do instead. */
  fix: string
  /** Whether `fix` is complete SQL. */
  fixKind: 'sql' | 'advice'
}

/**
 * Whether TimescaleDB's own policy can run at all on this server: it takes some of which every run fails. Null where it
 * can. The one definition of it, for what is live and for what a plan would make.
 * @param unit of the table's integers, where it is known
 */
export function whyNeverRuns(
  {kind, by, after, createdBefore}: Pick<LiveRule, 'kind' | 'by' | 'after' | 'createdBefore'>,
  table: Table,
  server: Pick<Server, 'timescaledb' | 'engine' | 'policiesOnUuid' | 'retentionByCreation'>,
  unit: TimeUnit | null,
): NeverRuns | null {
  if (by !== 'timescaledb') return null
  const key = qualifiedName(table)
  const here = `TimescaleDB ${server.timescaledb}`
  const gated = 'declare the retention without native: true, which makes the gated one'
  const byAge = 'make it with drop_after, which goes by the age of the rows'
  const lack = lackOf(server.engine, 'policies')
  if (lack !== null)
    return {
      code: 'apache_edition',
      why: lack.why,
      fix: lack.suggestions[0] ?? 'remove the policy',
      fixKind: 'advice',
    }
  if (!goesByAge(kind)) return null
  const byCreation = after === null && createdBefore !== null
  const integer = table.time === 'integer'
  const clock = hasClock(table)
  if (kind === 'compression' && table.time === 'other' && !byCreation)
    return {
      code: 'key_unsupported',
      why: `${here} compresses no chunks by age where the time column is neither a time nor an integer`,
      fix: 'a job of kind compress with olderThan (docs/daemon.md), or a policy by compress_created_before',
      fixKind: 'advice',
    }
  if (integer && !clock && !byCreation)
    return {
      code: 'no_clock',
      why: `${key} has integers for times and no integer_now function`,
      fix: nowFunction(key, table.schema, unit),
      fixKind: unit === null ? 'advice' : 'sql',
    }
  if (byCreation && kind === 'retention' && integer && clock)
    return {
      code: 'created_before_unsupported',
      why: `${here} reads drop_created_before only where the table has no integer_now function`,
      fix: byAge,
      fixKind: 'advice',
    }
  if (byCreation && kind === 'retention' && !integer && !server.retentionByCreation)
    return {
      code: 'created_before_unsupported',
      why: `${here} does not read drop_created_before; 2.26.3 does`,
      fix: byAge,
      fixKind: 'advice',
    }
  if (table.time === 'uuid' && !byCreation && !server.policiesOnUuid)
    return {
      code: 'uuid_unsupported',
      why: `${here} runs no policy by age on a column of type uuid; 2.25 does`,
      fix:
        kind === 'retention'
          ? gated
          : 'a job of kind compress with olderThan (docs/daemon.md), or a policy by compress_created_before',
      fixKind: 'advice',
    }
  return null
}

/** An aggregate on integers goes by the clock of what it reads. */
function hasClock(table: Table): boolean {
  return table.integerNow !== null || (table.aggregate?.source != null && hasClock(table.aggregate.source))
}

/** The function as SQL, in the unit that is known; seconds where none is. */
function nowFunction(key: string, schema: string, unit: TimeUnit | null): string {
  const name = formatQualifiedName(schema, 'integer_now')
  const perSecond = {s: '', ms: ' * 1000', us: ' * 1000000', ns: ' * 1000000000'}[unit ?? 's']
  return `create function ${name}() returns bigint language sql stable as 'select (extract(epoch from now())${perSecond})::bigint'; select set_integer_now_func(${quoteLiteral(key)}, ${quoteLiteral(name)})${unit === null ? ' (where its integers are seconds)' : ''}`
}

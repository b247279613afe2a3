import {lackOf} from '../../engines/index.js'
import {formatQualifiedName} from '../../db/qualified-name.js'
import {quoteLiteral} from '../../db/sql.js'
import type {Server} from '../../db/server.js'
import {goesByAge} from '../../catalog/live-policies.js'
import {qualifiedName, type Table} from '../../catalog/table.js'
import type {TimeUnit} from '../../catalog/time.js'
import {command} from '../../units/command.js'
import {durationInWords} from '../../units/duration.js'
import type {LiveRule} from '../table-state.js'

/** Why every run of a policy fails. */
export const neverRunsCodes = [
  /** Integer time needs an integer_now function, and there is none. */
  'no_clock',
  /** TimescaleDB's policies by age support UUIDv7 from 2.25 on. */
  'uuid_unsupported',
  /** Retention by the creation of chunks works only in newer versions, and never with an integer_now function. */
  'created_before_unsupported',
  /** TimescaleDB's compression policy supports only times and integers as the key. */
  'key_unsupported',
  /** The age reaches back before PostgreSQL's first time: subtracting it from now fails with SQLSTATE 22008. */
  'age_out_of_range',
  /** The Apache edition has no procedures for policies. */
  'apache_edition',
] as const

export type NeverRunsCode = (typeof neverRunsCodes)[number]

/** PostgreSQL's times begin in 4713 BC, 6 739 years before 2026; the margin is for the years to come. */
const longestAgeMonths = 7_000 * 12

export interface NeverRuns {
  code: NeverRunsCode
  /** What fails, and from which version on it works: the second half of a sentence about the policy. */
  why: string
  /** What to do instead. */
  fix: string
  /** Whether `fix` is complete SQL. */
  fixKind: 'sql' | 'advice'
}

/**
 * Why every run of a TimescaleDB policy fails on this server; null if it can run. TimescaleDB accepts policies that
 * always fail. Used for live policies and for planned ones.
 * @param unit unit of the table's integer time, if known
 */
export function whyNeverRuns(
  {kind, by, after, createdBefore}: Pick<LiveRule, 'kind' | 'by' | 'after' | 'createdBefore'>,
  table: Table,
  server: Pick<Server, 'timescaledb' | 'engine' | 'policiesOnUuid' | 'retentionByCreation'>,
  unit: TimeUnit | null,
): NeverRuns | null {
  if (by !== 'timescaledb') return null
  const key = qualifiedName(table)
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
  const age = byCreation ? createdBefore : after
  if (age !== null && typeof age === 'object' && age.months + age.days / 31 > longestAgeMonths)
    return {
      code: 'age_out_of_range',
      why: `an age of ${durationInWords(age)} reaches back before 4713 BC, where PostgreSQL's times begin`,
      fix: `remove the policy, which never does anything: ${command('policies remove', [kind, key])}`,
      fixKind: 'advice',
    }
  return whyKeyFails({kind, byCreation}, table, server, unit)
}

/** The same for a policy by age, as far as the type of the time column decides it. */
function whyKeyFails(
  {kind, byCreation}: {kind: LiveRule['kind']; byCreation: boolean},
  table: Table,
  server: Pick<Server, 'timescaledb' | 'policiesOnUuid' | 'retentionByCreation'>,
  unit: TimeUnit | null,
): NeverRuns | null {
  const key = qualifiedName(table)
  const here = `TimescaleDB ${server.timescaledb}`
  const gated = 'declare the retention without native: true, which makes it gated'
  const byAge = 'create it with drop_after, which uses the age of the rows'
  const integer = table.time === 'integer'
  const clock = hasClock(table)
  if (kind === 'compression' && table.time === 'other' && !byCreation)
    return {
      code: 'key_unsupported',
      why: `${here} cannot compress chunks by age if the time column is neither a time nor an integer`,
      fix: 'a job of kind compress with olderThan (docs/daemon.md), or a policy by compress_created_before',
      fixKind: 'advice',
    }
  if (integer && !clock && !byCreation)
    return {
      code: 'no_clock',
      why: `${key} is on integer time and has no integer_now function`,
      fix: nowFunction(key, table.schema, unit),
      fixKind: unit === null ? 'advice' : 'sql',
    }
  if (byCreation && kind === 'retention' && integer && clock)
    return {
      code: 'created_before_unsupported',
      why: `${here} supports drop_created_before only if the table has no integer_now function`,
      fix: byAge,
      fixKind: 'advice',
    }
  if (byCreation && kind === 'retention' && !integer && !server.retentionByCreation)
    return {
      code: 'created_before_unsupported',
      why: `${here} does not support drop_created_before; 2.26.3 does`,
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

/** Whether there is an integer_now function. An aggregate uses that of its source. */
function hasClock(table: Table): boolean {
  return table.integerNow !== null || (table.aggregate?.source != null && hasClock(table.aggregate.source))
}

/** SQL that creates the function and sets it; in seconds if the unit is not known. */
function nowFunction(key: string, schema: string, unit: TimeUnit | null): string {
  const name = formatQualifiedName(schema, 'integer_now')
  const perSecond = {s: '', ms: ' * 1000', us: ' * 1000000', ns: ' * 1000000000'}[unit ?? 's']
  return (
    `create function ${name}() returns bigint language sql stable as 'select (extract(epoch from ` +
    `now())${perSecond})::bigint'; select set_integer_now_func(${quoteLiteral(key)}, ` +
    `${quoteLiteral(name)})${unit === null ? ' (if its integers are seconds)' : ''}`
  )
}

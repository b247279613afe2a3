import type {Database} from '../db/database.js'
import {formatQualifiedName, shortName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {SqlState, sqlState} from '../db/sqlstate.js'
import type {Child} from './children.js'
import {keyEnds} from './key-values.js'
import type {PartitionSet} from './sets.js'
import {pointOf} from '../catalog/time-key.js'
import {instantOf, microsOf} from '../catalog/time.js'
import {readEmulatedCoverage, type EmulatedGaps} from '../aggregates/emulated-coverage.js'
import {highest, lowest, rangeFlags, type Span} from '../catalog/span.js'
import {instantInWords} from '../units/instant.js'
import {command} from '../units/command.js'

/** A partition with rows that an aggregate over the set has not computed, or may not have. */
export interface Uncovered {
  child: Child
  /** As a clause. */
  why: string
  /** The command that computes it; null if the range is not known. */
  fix: string | null
}

/**
 * The partitions with rows that an emulated aggregate has not computed, or not in their current state. What cannot be
 * read counts as not covered; a partition without rows counts as covered.
 */
export async function uncovered(db: Database, set: PartitionSet, children: readonly Child[]): Promise<Uncovered[]> {
  const found: Uncovered[] = []
  for (const child of children) {
    const whole = await gapsOf(db, set, {start: edge(child.from, lowest), end: edge(child.to, highest)})
    if (whole !== 'unreadable' && whole.length === 0) continue
    const rows = await rowsOf(db, set, child)
    if (rows === 'none') continue
    const gaps = rows === 'unreadable' ? whole : await gapsOf(db, set, rows)
    if (gaps === 'unreadable')
      found.push({
        child,
        why: `qicore.aggregates cannot be read, so it is not known whether an aggregate needs it`,
        fix: null,
      })
    else
      for (const {schema, view, gaps: spans} of gaps)
        found.push({
          child,
          why: `${formatQualifiedName(schema, view)} has not covered ${words(spans)}, or its rows changed since`,
          fix: command('aggregates refresh', [shortName(schema, view)], rangeFlags(spans, 'timestamptz')),
        })
  }
  return found
}

/**
 * The first transaction whose rows a later check of coverage may not see; null if no emulated aggregate reads the set.
 * A set whose aggregates cannot be read counts as having one.
 */
export async function firstUnseen(db: Database, set: PartitionSet): Promise<string | null> {
  if (!db.server.hasQicoreSchema) return null
  // Read before coverage: rows of later transactions may be missing from the check.
  const [snapshot] = await db.query<{seen: string}>(statement(loadSql('partitions/first-uncovered')))
  return (await mayHaveAggregate(db, set)) ? snapshot!.seen : null
}

async function mayHaveAggregate(db: Database, {schema, table}: PartitionSet): Promise<boolean> {
  const name = formatQualifiedName(schema, table)
  try {
    const rows = await db.query(
      sql`select from qicore.aggregates where to_regclass(source) = to_regclass(${name}) limit 1`,
    )
    return rows.length > 0
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return true
    throw error
  }
}

async function gapsOf(db: Database, set: PartitionSet, span: Span): Promise<EmulatedGaps[] | 'unreadable'> {
  try {
    return (await readEmulatedCoverage(db, {schema: set.schema, name: set.table}, [span], null)).filter(
      ({gaps}) => gaps.length > 0,
    )
  } catch (error) {
    if (sqlState(error) === SqlState.noPrivilege) return 'unreadable'
    throw error
  }
}

/**
 * From the oldest row to just after the newest: only this part of the partition has to be covered.
 */
async function rowsOf(db: Database, set: PartitionSet, child: Child): Promise<Span | 'none' | 'unreadable'> {
  const [key, column] = [set.key!, ident(set.column!)]
  const finite = key.kind === 'timestamptz' || key.kind === 'timestamp' || key.kind === 'date'
  try {
    const [row] = await db.query<{oldest: string | null; newest: string | null}>(
      sql`select ${keyEnds(key, column)} from ${ident(child.schema, child.partition)}${finite ? sql` where isfinite(${column})` : sql``}`,
    )
    if (!row || row.oldest === null || row.newest === null) return 'none'
    const [start, end] = [pointOf(key, row.oldest), pointOf(key, row.newest)]
    return start === null || end === null ? 'unreadable' : {start, end: end + 1n}
  } catch (error) {
    const state = sqlState(error)
    if (state === SqlState.noPrivilege || state === SqlState.lockNotAvailable || state === SqlState.canceled)
      return 'unreadable'
    throw error
  }
}

function edge(instant: string | null, open: bigint): bigint {
  return instant === null || instant.endsWith('BC') ? open : microsOf(instant)
}

function words(spans: readonly Span[]): string {
  const side = (micros: bigint, open: bigint, name: string) =>
    micros === open ? name : instantInWords(instantOf(micros) ?? name)
  return spans
    .map(({start, end}) => `${side(start, lowest, 'the beginning')} to ${side(end, highest, 'the end')}`)
    .join(', ')
}

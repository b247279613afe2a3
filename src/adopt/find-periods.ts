import {highest} from '../catalog/span.js'
import {pointOf, type TimeKey} from '../catalog/time-key.js'
import {readOnlySettings, type Database} from '../db/database.js'
import {formatName} from '../db/qualified-name.js'
import {loadSql} from '../db/load-sql.js'
import {ident, sql, statement} from '../db/sql.js'
import {usageError} from '../errors.js'
import {inWords, keyEnds} from '../partitions/key-values.js'
import {toInterval, type Duration} from '../units/duration.js'
import type {Instant} from '../units/instant.js'
import {readAdoptPeriods, type AdoptPeriod, type AdoptPeriods, type KeyEnds} from './periods.js'
import type {Source} from './source.js'

/** More partitions than this are taken for a mistake. */
const mostPartitions = 1_200

/** The times between which a row is taken for correct. */
export interface SaneTimes {
  earliest: Instant
  /** From now. */
  within: Duration
}

interface Key {
  column: string
  key: TimeKey
}

/**
 * The periods that hold all rows of a table, and some ahead.
 * @throws OpsError OUT_OF_RANGE naming rows whose time is a mistake, TOO_MANY
 */
export async function findPeriods(
  db: Database,
  sane: SaneTimes,
  source: Source,
  {column, key}: Key,
  calendar: AdoptPeriods,
): Promise<AdoptPeriod[]> {
  const {table, relation} = source
  const {points, texts} = await readKeyEnds(db, sane, source, {column, key})
  const periods = await readAdoptPeriods(db, table, key, calendar, points)
  if (periods.length > mostPartitions)
    throw usageError(
      'TOO_MANY',
      `${relation} has rows from ${texts.oldest} to ${texts.newest}: by ${calendar.every} that is ` +
        `${periods.length} partitions, more than ${mostPartitions}.`,
      ['Choose a longer period: --every month.'],
    )
  return periods
}

interface Ends {
  points: KeyEnds
  /** For people. */
  texts: {oldest: string | null; newest: string | null}
}

/**
 * The oldest and the newest row of a table.
 * @throws OpsError OUT_OF_RANGE naming rows whose time is a mistake
 */
export async function readKeyEnds(db: Database, sane: SaneTimes, source: Source, {column, key}: Key): Promise<Ends> {
  const {schema, table} = source
  // Without an index this reads the whole table.
  const [ends] = await db.query<{oldest: string | null; newest: string | null}>(
    sql`select ${keyEnds(key, ident(column))} from ${ident(schema, table)}`,
    {...readOnlySettings, statementTimeout: 0},
  )
  const points = {oldest: pointIn(key, ends!.oldest), newest: pointIn(key, ends!.newest)}
  const texts = inWords(key, ends!)
  await requireSane(db, sane, source, {column, texts, points})
  return {points, texts}
}

/** A text that is not a time of this key counts as out of range. */
function pointIn(key: TimeKey, text: string | null): bigint | null {
  return text === null ? null : (pointOf(key, text) ?? highest)
}

async function requireSane(
  db: Database,
  {earliest, within}: SaneTimes,
  {relation}: Source,
  {column, texts, points}: {column: string; texts: {oldest: string | null; newest: string | null}; points: KeyEnds},
): Promise<void> {
  const [times] = await db.query<{earliest: string; latest: string}>(
    statement(loadSql('adopt/sane-times'), [earliest, toInterval(within)]),
  )
  const early = points.oldest !== null && points.oldest < BigInt(times!.earliest)
  const late = points.newest !== null && points.newest > BigInt(times!.latest)
  if (!early && !late) return
  const words = [early ? `as early as ${texts.oldest}` : '', late ? `as late as ${texts.newest}` : '']
  throw usageError(
    'OUT_OF_RANGE',
    `${relation} has rows whose ${formatName(column)} is ${words.filter(Boolean).join(' and ')}. Nothing was changed.`,
    [
      `Correct or delete them: SELECT * FROM ${relation} WHERE ${formatName(column)} ${early ? '<' : '>'} '…'`,
      `Or allow these times: tables.${relation}.partitions.earliest and .within in the configuration.`,
    ],
  )
}

import {boundText, resolutionOf, type TimeKey} from '../catalog/time-key.js'
import type {Database} from '../db/database.js'
import {formatName} from '../db/qualified-name.js'
import {timescaledbFunction, type Server} from '../db/server.js'
import {ident, raw, sql, type Statement} from '../db/sql.js'
import {can} from '../engines/index.js'
import {usageError} from '../errors.js'
import type {Step} from '../run/step.js'
import {command} from '../units/command.js'
import {gridOf, type Every} from '../units/period.js'
import {plural} from '../units/plural.js'
import {chainOf} from './chain.js'
import {copyOf} from './copy.js'
import {deleteChanged, once, quotedOption} from './fill.js'
import {readKeyEnds} from './find-periods.js'
import {createIndex, indexComments} from './finish-set.js'
import {refusalsOfHypertable} from './hypertable-refusals.js'
import {relationOf, type Inventory} from './inventory.js'
import {rowKey, type RowKey} from './key.js'
import {ownPeriod} from './own-periods.js'
import type {AdoptPeriod, KeyEnds} from './periods.js'
import {refusalsOf} from './refusals.js'
import {refuseAll, type Adoption, type AdoptRequest, type Chain} from './request.js'
import {adoptStep, alike, comment, createShadow, tablespaceOf, type ShadowRequest} from './shadow.js'
import type {Source} from './source.js'
import type {Staging} from './staging.js'

/** The ranges that are compared one by one are not shorter than this part of all times. */
const mostRanges = 1_000n

/** @throws OpsError UNSUPPORTED, HYPERTABLE */
export function requireHypertables({server}: Database, {relation, kind}: Source): void {
  if (!can(server.engine, 'hypertables'))
    throw usageError('UNSUPPORTED', `This database has no TimescaleDB, so ${relation} cannot become a hypertable.`, [
      'Install it: CREATE EXTENSION timescaledb',
    ])
  if (kind === 'hypertable')
    throw usageError('HYPERTABLE', `${relation} is a hypertable already.`, [
      `Its chunks: ${command('stats chunks', [relation])}`,
    ])
}

/** The steps that make an ordinary table or a set a hypertable. */
export async function intoHypertable(db: Database, request: AdoptRequest, adoption: Adoption): Promise<Chain> {
  const {source, staging, state, found, column, key: timeKey} = adoption
  const {inventory} = found
  refuseAll(source.relation, [...refusalsOf(inventory, column), ...(await refusalsOfHypertable(db, adoption))])
  const own = source.kind === 'partitioned' ? await ownPeriod(db, source.relation, timeKey) : null
  const every = state?.every ?? request.periods.every ?? own ?? 'week'
  const interval = chunkInterval(timeKey, every)
  const {points} = await readKeyEnds(db, request, source, {column: column.name, key: timeKey})
  const ranges = comparedRanges(timeKey, points, interval.micros)
  const shadow: ShadowRequest = {
    ...found,
    staging,
    column: column.name,
    key: rowKey(inventory, column)!,
    periods: {...request.periods, every},
    target: 'hypertable',
  }
  const steps = chainOf(adoption, {
    create: state === null ? [createShadow(shadow, emptyHypertable(db.server, shadow, interval.sql))] : [],
    copy: await copyOf(db, adoption),
    complete: [...buildIndexes(inventory, staging, shadow.key), settings(inventory, staging)],
    foreignKeys: foreignKeys(inventory, staging),
    compared: ranges,
    recordsReplicated: false,
  })
  return {
    summary: `adopt ${source.relation} as a hypertable with chunks of ${interval.words}`,
    steps,
    notes: notesOf(source, inventory, every, interval.words),
  }
}

interface Interval {
  micros: bigint
  /** The argument of create_hypertable. */
  sql: Statement
  words: string
}

const day = 86_400_000_000n

/**
 * Chunks have a fixed length: a month has 30 days, as in TimescaleDB itself.
 * @throws OpsError PERIOD
 */
function chunkInterval(key: TimeKey, every: Every): Interval {
  const {months, hours} = gridOf(every)
  const micros = months > 0 ? BigInt(months) * 30n * day : BigInt(hours) * 3_600_000_000n
  if (micros % resolutionOf(key) !== 0n || (key.kind === 'date' && micros % day !== 0n))
    throw usageError('PERIOD', `A key of type ${key.type} cannot store the bounds of chunks of ${every}.`)
  const words =
    micros % day === 0n ? plural(Number(micros / day), 'day') : plural(Number(micros / 3_600_000_000n), 'hour')
  if (key.kind !== 'integer') return {micros, sql: sql`${words}::interval`, words}
  // The length of a chunk as a difference of two values of the key.
  const length = BigInt(boundText(key, micros)) - BigInt(boundText(key, 0n))
  return {micros, sql: sql`${raw(String(length))}::${raw(key.type)}`, words}
}

function emptyHypertable(
  server: Server,
  {inventory, staging, column}: ShadowRequest,
  interval: Statement,
): Statement[] {
  const {table, options, toastOptions, accessMethod} = inventory
  const shadow = ident(staging.schema, table)
  const storage = [...options, ...toastOptions.map((option) => `toast.${option}`)].map(quotedOption)
  const method = accessMethod === null ? sql`` : sql` using ${ident(accessMethod)}`
  return [
    sql`create table ${shadow} (
  like ${ident(inventory.schema, table)} ${alike}
)${method}${raw(storage.length === 0 ? '' : ` with (${storage.join(', ')})`)}${tablespaceOf(inventory)}`,
    sql`select ${timescaledbFunction(server, 'create_hypertable')}(${shadow.text}::regclass, ${column}::name, chunk_time_interval => ${interval}, create_default_indexes => false)`,
  ]
}

/**
 * Builds the indexes when all rows are copied, which takes a third of the time that rows in them would: 5 million rows
 * in 48 chunks. An index is built for all chunks in one transaction: TimescaleDB builds a unique one in no other way,
 * and no session waits for its locks, because no other session uses the new table. A killed run repeats one index.
 */
function buildIndexes(inventory: Inventory, staging: Staging, key: RowKey): Step[] {
  const {table, indexes} = inventory
  const shadow = ident(staging.schema, table).text
  const step = (id: string, statements: readonly (Statement | string)[]): Step => ({
    ...adoptStep,
    id,
    kind: 'adopt index',
    object: relationOf(inventory),
    statements: once(staging, id, statements),
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  })
  return [
    step(`delete changed rows from the new hypertable of ${relationOf(inventory)}`, [
      deleteChanged(staging, shadow, key),
    ]),
    ...indexes.map((index) =>
      step(`build index ${formatName(index.name)} of the new hypertable of ${relationOf(inventory)}`, [
        ...createIndex(shadow, index),
        ...indexComments(staging, shadow, index),
      ]),
    ),
  ]
}

/** Column settings and replica identity, which TimescaleDB passes on to the chunks. */
function settings(inventory: Inventory, staging: Staging): Step {
  const shadow = ident(staging.schema, inventory.table)
  const relation = relationOf(inventory)
  const id = `complete the new hypertable of ${relation}`
  const identity = {f: 'full', n: 'nothing', d: 'default', i: null}[inventory.replicaIdentity]
  const index = inventory.indexes.find(({replicaIdentity}) => replicaIdentity)
  return {
    ...adoptStep,
    id,
    kind: 'adopt index',
    object: relation,
    statements: [
      ...once(staging, id, [
        ...inventory.columns.flatMap(({name, statisticsTarget, options}) => [
          ...(statisticsTarget === null
            ? []
            : [sql`alter table ${shadow} alter column ${ident(name)} set statistics ${raw(String(statisticsTarget))}`]),
          ...(options.length === 0
            ? []
            : [sql`alter table ${shadow} alter column ${ident(name)} set (${raw(options.join(', '))})`]),
        ]),
        ...(inventory.replicaIdentity === 'd'
          ? []
          : [
              sql`alter table ${shadow} replica identity ${identity === null ? sql`using index ${ident(index!.name)}` : raw(identity)}`,
            ]),
      ]),
      sql`analyze ${shadow}`,
    ],
    lock: 'NONE',
    dependsOn: [],
    relations: [],
  }
}

/** The ranges between the oldest and the newest row that are compared, in steps of one or more chunks. */
function comparedRanges(key: TimeKey, {oldest, newest}: KeyEnds, chunk: bigint): AdoptPeriod[] {
  if (oldest === null || newest === null) return []
  const count = (newest - oldest) / mostRanges / chunk + 1n
  const width = count * chunk
  const first = ((oldest < 0n ? oldest - width + 1n : oldest) / width) * width
  const ranges: AdoptPeriod[] = []
  for (let at = first; at <= newest; at += width) {
    const [lower, upper] = [boundText(key, at), boundText(key, at + width)]
    ranges.push({partition: `rows from ${lower}`, lower, upper})
  }
  return ranges
}

/** Adds the foreign keys without a scan, and validates them without a lock that writers of the other table wait for. */
function foreignKeys(inventory: Inventory, staging: Staging): Step[] {
  const {foreignKeys: keys} = inventory
  if (keys.length === 0) return []
  const shadow = ident(staging.schema, inventory.table)
  const relation = relationOf(inventory)
  const step = (id: string, lock: Step['lock'], statements: readonly Statement[]): Step => ({
    ...adoptStep,
    id,
    kind: 'adopt foreign keys',
    object: relation,
    statements: once(staging, id, statements),
    lock,
    dependsOn: [],
    relations: [...new Set(keys.map(({references}) => references))],
  })
  return [
    step(`add foreign keys to the new hypertable of ${relation}`, 'SHARE ROW EXCLUSIVE', [
      ...keys.map(
        (key) => sql`alter table ${shadow} add constraint ${ident(key.name)} ${raw(key.definition)} not valid`,
      ),
      ...keys.flatMap((key) => comment(sql`constraint ${ident(key.name)} on ${shadow}`, key.comment)),
    ]),
    step(
      `check foreign keys of the new hypertable of ${relation}`,
      'ROW EXCLUSIVE',
      keys.map(({name}) => sql`alter table ${shadow} validate constraint ${ident(name)}`),
    ),
  ]
}

/** What the operator must know before: what differs afterwards, and what becomes of declared policies. */
function notesOf({relation, kind}: Source, inventory: Inventory, every: Every, words: string): string[] {
  const grid = gridOf(every)
  return [
    ...(grid.months > 0
      ? [`Chunks have a fixed length, so ${every} is ${words} each, and they begin at times in UTC.`]
      : ['Chunks begin at times in UTC, whatever the time zone of the set is.']),
    ...(kind === 'partitioned'
      ? [
          'Rows of the default partition, and of partitions by other columns, are in the chunk of their time.',
          `The old partitions keep their names in the schema ${formatName(inventory.schema)} until --finish. ` +
            'While rows are copied, do not detach, drop, truncate or rewrite one: the swap would refuse.',
        ]
      : []),
    'TimescaleDB refuses an UPDATE that moves a row to the time of another chunk.',
    ...(inventory.rowSecurity ? ['TimescaleDB cannot compress a hypertable with row security.'] : []),
    ...(inventory.statistics.length > 0
      ? ['Extended statistics stay on the hypertable itself: ANALYZE computes none for its chunks.']
      : []),
    ...inventory.widePublications.map(
      (name) => `Publication ${name} sends the rows of a hypertable under the names of its chunks.`,
    ),
    'Changes that logical replication applies to a hypertable are not recorded for --undo.',
    `In the configuration replace tables.${relation}.partitions by chunkInterval: ${words}. \`partitions ensure\` ` +
      `then has nothing to do for it; \`policies plan\` shows what is declared for ${relation} as policies to ` +
      'create, because the hypertable has none yet, and a retention needs its confirmation again.',
  ]
}

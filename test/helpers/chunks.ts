import type {Database} from '../../src/db/database.js'
import {planCompress, type CompressRequest} from '../../src/chunks/compress.js'
import {planDecompress, type DecompressRequest} from '../../src/chunks/decompress.js'
import {planDrop, type PlannedDrop} from '../../src/chunks/drop.js'
import type {DropRequest} from '../../src/chunks/drop-request.js'
import {planExport} from '../../src/chunks/export.js'
import type {ExportSettings} from '../../src/export/settings.js'
import type {PlannedChange} from '../../src/aggregates/plan-refresh.js'
import type {TimeUnit} from '../../src/catalog/time.js'
import {readSnapshot} from '../../src/catalog/snapshot.js'
import {readChunks} from '../../src/catalog/read-tables.js'
import type {TestDatabase} from './engines.js'
import {span} from './aggregates.js'

async function rules(db: Database, name: string, unit?: TimeUnit) {
  const snapshot = await readSnapshot(db, {
    table: name,
    lateAfter: 0,
    timeUnits: new Map(unit === undefined ? [] : [[name, unit]]),
  })
  await readChunks(
    db,
    snapshot.all.filter((table) => !snapshot.tables.includes(table)),
  )
  const table = snapshot.tables[0]!
  return {
    tables: snapshot.all,
    table,
    clock: snapshot.clocks.get(table)!,
    at: snapshot.at,
    policies: snapshot.policies,
    declared: null,
  }
}

export async function compress(
  db: Database,
  name: string,
  choose: CompressRequest['choose'],
  over: Partial<CompressRequest> & {unit?: TimeUnit} = {},
): Promise<PlannedChange> {
  return planCompress(db, {...(await rules(db, name, over.unit)), choose, ...over})
}

export async function decompress(
  db: Database,
  name: string,
  from: string,
  to: string,
  over: Partial<DecompressRequest> = {},
): Promise<PlannedChange> {
  return planDecompress(db, {...(await rules(db, name)), span: span(from, to), ...over})
}

export async function drop(
  db: Database,
  name: string,
  before: string,
  over: Partial<DropRequest> & {unit?: TimeUnit} = {},
): Promise<PlannedDrop> {
  return planDrop(db, {
    ...(await rules(db, name, over.unit)),
    olderThan: {before},
    refreshFirst: false,
    acceptLoss: false,
    ...over,
  })
}

export async function exportChunks(
  db: Database,
  name: string,
  before: string,
  settings: ExportSettings,
): Promise<PlannedChange> {
  const {table, clock} = await rules(db, name)
  return planExport(db, {table, clock, chunks: {olderThan: {before}}, settings})
}

/** Ten days in chunks of a day: two devices, a row every ten minutes. */
export async function tenDays({run, db}: TestDatabase, more = ''): Promise<void> {
  await run(`create table m (time timestamptz not null, dev int not null, v float8);
select create_hypertable('m', 'time', chunk_time_interval => interval '1 day');
insert into m select t, d, random() from generate_series('2024-01-01+00'::timestamptz, '2024-01-10 23:50+00', '10 min') t, generate_series(1, 2) d;
${db.server.edition === 'community' ? "alter table m set (timescaledb.compress, timescaledb.compress_segmentby = 'dev', timescaledb.compress_orderby = 'time desc');" : ''}${more}`)
}

/** Status bits of the chunks of a table, oldest first. */
export async function statuses({run}: TestDatabase, table = 'm'): Promise<number[]> {
  const rows = await run<{status: number}>(
    `select _timescaledb_functions.chunk_status(c) as status from show_chunks('${table}') c order by (select min(range_start) from timescaledb_information.chunks k where format('%I.%I', k.chunk_schema, k.chunk_name)::regclass = c)`,
  )
  return rows.map(({status}) => status)
}

/** Names of the chunks of a table, oldest first: the embedded engine does not restart its numbers between tests. */
export async function chunkNames({run}: TestDatabase, table = 'm'): Promise<string[]> {
  const rows = await run<{name: string}>(
    'select chunk_name as name from timescaledb_information.chunks where hypertable_name = $1 order by coalesce(range_start_integer, extract(epoch from range_start)), chunk_name',
    [table],
  )
  return rows.map(({name}) => name)
}

import crypto from 'node:crypto'
import type {Server} from '../db/server.js'
import {messageOf, OpsError} from '../errors.js'
import {programVersion} from '../schema/migrate/program.js'
import type {Instant} from '../units/instant.js'
import type {Column} from './columns.js'
import type {ExportFormat} from './settings.js'
import type {Source} from './source.js'
import type {Store} from './store.js'

/**
 * The file beside the data that says what it is. Written before the data, and again when the data has been verified.
 */
export interface Manifest {
  kind: 'qicore-db.export'
  version: 1
  /** `writing`: begun and not verified; the data may be missing or incomplete, and the next run writes it again. */
  state: 'writing' | 'verified'
  /** `qicore-db 0.1.0`. */
  tool: string
  /** The snapshot, by the server's clock. */
  at: Instant
  source: {
    host: string | null
    port: number | null
    postgres: string
    database: string
    databaseOid: number
    relation: string
    relationOid: number
    /** The table that the relation is or was a part of. */
    of: string | null
    /** Bounds of its time, half-open; null if there is none, or it is not known. */
    from: string | null
    to: string | null
  }
  format: ExportFormat
  /** `stored` is the type in the file; `asText` says why a value is text although its type has a counterpart. */
  columns: {name: string; type: string; stored: string; asText: string | null}[]
  /** Null until it is written. */
  rows: number | null
  files: {name: string; bytes: number; sha256: string}[]
  content: {
    /** What the server computed over the table in the snapshot; the file was read back and gave the same. */
    checksum: string
    /** The query that computes rows and checksum of the table. */
    query: string
  }
  /** Identifies the row versions of the snapshot, for the check before a drop; null if they cannot be compared. */
  rowVersions: string | null
  /** An earlier export of the same relation, whose rows differ. */
  supersedes: string | null
}

/** Facts of a snapshot of a relation. */
export interface Snapshot {
  at: Instant
  source: Source
  columns: readonly Column[]
  rows: number
  checksum: string
  query: string
  rowVersions: string | null
}

/** Where the export of a relation is, or belongs. */
export interface Slot {
  /** Path of the data in the store. */
  data: string
  manifest: string
  /** A manifest of this relation; null if nothing of it is there. */
  found: Manifest | null
  /** The data of the last verified export before this one. */
  previous: string | null
}

/**
 * Reads the place of a relation's export: the last one of this relation, or the first free name. A file that is not an
 * export of this relation keeps its name, and the next number is tried.
 */
export async function findSlot(store: Store, source: Source, format: ExportFormat): Promise<Slot> {
  const base = [source.database, source.of ?? storedName(source), storedName(source)].map(fileName).join('/')
  let last: Slot | null = null
  for (let number = 1; ; number += 1) {
    const stem = number === 1 ? base : `${base}.${number}`
    const slot: Slot = {
      data: `${stem}.${format}`,
      manifest: `${stem}.${format}.manifest.json`,
      found: null,
      previous: last?.data ?? null,
    }
    const manifest = await readManifest(store, slot.manifest)
    if (manifest !== null && isOf(manifest, source)) {
      if (manifest.state === 'writing') return {...slot, found: manifest}
      last = {...slot, found: manifest}
      continue
    }
    if (manifest !== null || (await store.size(slot.data)) !== null) continue
    return last === null ? slot : last
  }
}

/** The name after a verified export whose rows differ from those of the table now. */
export async function nextSlot(store: Store, slot: Slot): Promise<Slot> {
  const [, stem, number, format] = /^(.*?)(?:\.(\d+))?\.(\w+)$/.exec(slot.data)!
  for (let next = Number(number ?? 1) + 1; ; next += 1) {
    const data = `${stem}.${next}.${format}`
    const manifest = `${data}.manifest.json`
    if ((await store.size(data)) === null && (await store.size(manifest)) === null)
      return {data, manifest, found: null, previous: slot.data}
  }
}

function isOf({source}: Manifest, wanted: Source): boolean {
  return (
    source.database === wanted.database &&
    source.databaseOid === wanted.databaseOid &&
    source.relation === storedName(wanted) &&
    source.relationOid === wanted.relationOid
  )
}

const storedName = ({relation, storedAs}: Source): string => storedAs ?? relation

/** @throws OpsError EXPORT_EXISTS if the file is not a manifest that this program can read */
async function readManifest(store: Store, name: string): Promise<Manifest | null> {
  const text = await store.read(name)
  if (text === null) return null
  try {
    const manifest = JSON.parse(text.toString('utf8')) as Manifest
    if (manifest.kind === 'qicore-db.export' && manifest.version === 1) return manifest
    throw new Error(`it is of kind ${manifest.kind} and version ${manifest.version}`)
  } catch (error) {
    throw new OpsError('EXPORT_EXISTS', `${store.locationOf(name)} is not a manifest: ${messageOf(error)}.`, {
      cause: error,
      suggestions: ['Export to another destination, or move the file away after checking what it is.'],
    })
  }
}

/** The manifest of an export that begins now. */
export function manifestOf(
  snapshot: Snapshot,
  format: ExportFormat,
  {host, port, postgres}: Pick<Server, 'host' | 'port' | 'postgres'>,
  previous: string | null,
): Manifest {
  const {source, columns, at, checksum, query, rowVersions} = snapshot
  return {
    kind: 'qicore-db.export',
    version: 1,
    state: 'writing',
    tool: `qicore-db ${programVersion}`,
    at,
    source: {
      host,
      port,
      postgres,
      database: source.database,
      databaseOid: source.databaseOid,
      relation: storedName(source),
      relationOid: source.relationOid,
      of: source.of ?? null,
      from: source.from,
      to: source.to,
    },
    format,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      stored: format === 'csv' ? 'text' : storedWords(column),
      asText: column.asText,
    })),
    rows: null,
    files: [],
    content: {checksum, query},
    rowVersions,
    supersedes: previous,
  }
}

function storedWords({stored, precision, scale}: Column): string {
  return stored === 'decimal' ? `decimal(${precision},${scale})` : stored
}

/** Whether a verified export has the rows of this snapshot, in columns of the same names and types. */
export function hasContent({state, rows, content, columns}: Manifest, snapshot: Snapshot): boolean {
  return (
    state === 'verified' &&
    rows === snapshot.rows &&
    content.checksum === snapshot.checksum &&
    columns.length === snapshot.columns.length &&
    columns.every(({name, type}, index) => {
      const column = snapshot.columns[index]!
      return column.name === name && column.type === type
    })
  )
}

/** Longer names do not fit into the 255 bytes of a file system, with the endings that are added. */
const longestName = 200

/** A name of SQL as one part of a path: no separators, never `.` or `..`. */
function fileName(name: string): string {
  const encoded = encodeURIComponent(name).replace(/^\.+/, (dots) => '%2E'.repeat(dots.length))
  if (encoded.length <= longestName) return encoded
  const digest = crypto.createHash('sha256').update(name).digest('hex').slice(0, 12)
  return `${encoded.slice(0, longestName - 13).replace(/%.?$/, '')}-${digest}`
}

import crypto from 'node:crypto'
import type {Database, Db} from '../db/database.js'
import {statement} from '../db/sql.js'
import {messageOf, OpsError} from '../errors.js'
import {plural} from '../units/plural.js'
import {loadFormat, type FileFormat} from './format.js'
import {findSlot, hasContent, manifestOf, nextSlot, type Manifest, type Slot} from './manifest.js'
import {ContentSum} from './row-codec.js'
import type {ExportSettings} from './settings.js'
import {rowsQuery, snapshotSettings, takeSnapshot, type OpenSnapshot} from './snapshot.js'
import {readSource, type Subject} from './source.js'
import {openStore, type Store} from './store.js'

export interface ExportOptions {
  /** Milliseconds. */
  lockTimeout: number
  /** When aborted, the running query is cancelled. */
  cancel?: AbortSignal | undefined
  /** Called with the number of rows that were written or read back so far. */
  onRows?: ((words: string) => void) | undefined
}

export interface Exported {
  manifest: Manifest
  /** Where the data is, as an operator writes it. */
  location: string
  /** `found`: an earlier run had exported and verified these rows. */
  status: 'exported' | 'found'
}

/**
 * Exports the rows of a relation to one file, reads the file back and compares it with the checksum that the server
 * computed in the same snapshot. Rows and checksum of a verified export are not written again. Nothing in the database
 * is changed; memory does not grow with the number of rows.
 * @throws OpsError EXPORT_STORE if the place cannot be read or written, EXPORT_DIFFERS if the file has other rows than
 * the table, EXPORT_EXISTS, NO_SUCH_TABLE
 */
export async function exportRelation(
  db: Database,
  settings: ExportSettings,
  subject: Subject,
  options: ExportOptions,
): Promise<Exported> {
  const store = await openStore(settings, db.target)
  // In a session of its own: the transaction is long, and the session of the run renews its lock meanwhile.
  const session = db.server.embedded ? db : await db.openSession()
  const cancel = () => void session.cancel().catch(() => {})
  options.cancel?.addEventListener('abort', cancel)
  try {
    const format = await loadFormat(settings.format)
    const source = await readSource(session, session.server, subject)
    const transaction = snapshotSettings(session, source, options.lockTimeout)
    const written = await session.transaction(transaction, async (tx) => {
      const snapshot = await takeSnapshot(tx, session, subject, settings.format)
      const slot = await findSlot(store, snapshot.source, settings.format)
      return writeUnlessFound(tx, {store, format, settings, snapshot, slot, options, server: session.server})
    })
    if (written.status === 'found') return written
    return await verify(store, format, written, options)
  } finally {
    options.cancel?.removeEventListener('abort', cancel)
    if (session !== db) await session.close()
    store.close()
  }
}

interface Work {
  store: Store
  format: FileFormat
  settings: ExportSettings
  snapshot: OpenSnapshot
  slot: Slot
  options: ExportOptions
  server: Database['server']
}

interface Written extends Exported {
  slot: Slot
  snapshot: OpenSnapshot
}

async function writeUnlessFound(tx: Db, work: Work): Promise<Written> {
  const {store, snapshot, settings, server} = work
  let {slot} = work
  const location = (found: Slot) => store.locationOf(found.data)
  if (slot.found?.state === 'verified') {
    const {found} = slot
    if (hasContent(found, snapshot) && (await isWhole(store, slot, found))) {
      const manifest = {...found, rowVersions: snapshot.rowVersions, at: snapshot.at}
      // The same rows in other row versions: the table was rewritten since.
      if (found.rowVersions !== snapshot.rowVersions) await store.replace(slot.manifest, textOf(manifest))
      return {manifest, location: location(slot), status: 'found', slot, snapshot}
    }
    slot = await nextSlot(store, slot)
  }
  const begun = manifestOf(snapshot, settings.format, server, slot.previous)
  await store.replace(slot.manifest, textOf(begun))
  // Only what a manifest in this state names is removed: it was never verified.
  if (slot.found !== null) await store.remove(slot.data)
  const file = await writeRows(tx, {...work, slot})
  const manifest: Manifest = {...begun, rows: snapshot.rows, files: [{name: nameOf(slot.data), ...file}]}
  return {manifest, location: location(slot), status: 'exported', slot, snapshot}
}

/** Whether the data of a verified export is still there, by its size; it was read back when it was written. */
async function isWhole(store: Store, slot: Slot, {files}: Manifest): Promise<boolean> {
  return (await store.size(slot.data)) === (files[0]?.bytes ?? null)
}

/** Bytes of rows that one FETCH may return; two batches are held at a time. */
const batchBytes = 4 * 1024 * 1024
const batchRows = 5_000

/**
 * Sends the rows through a cursor: it works on every engine and through transaction poolers, and the next batch is
 * fetched only when the store has taken the previous one. The size of a batch follows from the longest row.
 */
async function writeRows(tx: Db, work: Work & {slot: Slot}): Promise<{bytes: number; sha256: string}> {
  const {store, format, snapshot, slot, options} = work
  const {columns, source, longest} = snapshot
  const count = Math.max(1, Math.min(batchRows, Math.floor(batchBytes / Math.max(1, longest))))
  await tx.query(statement(`declare export_rows no scroll cursor for ${rowsQuery(columns, source.relation)}`))
  const upload = await store.create(slot.data)
  try {
    const hash = crypto.createHash('sha256')
    let bytes = 0
    const sink = async (part: Uint8Array) => {
      hash.update(part)
      bytes += part.length
      await upload.write(part)
    }
    const writer = format.writer(columns, sink, {qicore_db_relation: source.relation, qicore_db_at: snapshot.at})
    const fetch = () => {
      const answer = tx.query<{row: string}>(statement(`fetch forward ${count} from export_rows`))
      answer.catch(() => {})
      return answer
    }
    let rows = 0
    for (let next = fetch(); ; ) {
      const batch = await next
      if (batch.length === 0) break
      next = fetch()
      for (const {row} of batch) {
        const waits = writer.add(Buffer.from(row, 'base64'))
        if (waits) await waits
      }
      rows += batch.length
      options.onRows?.(`${plural(rows, 'row')} written`)
    }
    await writer.finish()
    await upload.finish()
    return {bytes, sha256: hash.digest('hex')}
  } catch (error) {
    await upload.abort()
    throw error
  }
}

/** Reads the stored file back, and compares its bytes and the rows that are decoded from it. */
async function verify(store: Store, format: FileFormat, written: Written, options: ExportOptions): Promise<Exported> {
  const {slot, snapshot, manifest, location, status} = written
  const [file] = manifest.files as [Manifest['files'][number]]
  const hash = crypto.createHash('sha256')
  const sum = new ContentSum()
  const bytes = await store.size(slot.data)
  const row = (content: Buffer) => {
    sum.add(content)
    if (sum.content.rows % 100_000 === 0) options.onRows?.(`${plural(sum.content.rows, 'row')} read back`)
  }
  const read = (start: number, end: number) => store.readRange(slot.data, start, end)
  try {
    await format.read(snapshot.columns, {bytes: bytes ?? 0, read}, row, (part) => hash.update(part))
  } catch (error) {
    if (error instanceof OpsError && error.code === 'EXPORT_STORE') throw error
    throw differs(location, messageOf(error))
  }
  const {rows, checksum} = sum.content
  const found = `${plural(rows, 'row')} with checksum ${checksum}`
  const wanted = `${plural(snapshot.rows, 'row')} with checksum ${snapshot.checksum}`
  if (rows !== snapshot.rows || checksum !== snapshot.checksum)
    throw differs(location, `it has ${found}, the table has ${wanted}`)
  if (bytes !== file.bytes || hash.digest('hex') !== file.sha256)
    throw differs(location, 'its bytes are not those that were written')
  const verified: Manifest = {...manifest, state: 'verified'}
  await store.replace(slot.manifest, textOf(verified))
  return {manifest: verified, location, status}
}

function differs(location: string, why: string): OpsError {
  return new OpsError('EXPORT_DIFFERS', `${location} is not equal to the table: ${why}. Nothing was dropped.`, {
    suggestions: ['Repeat the command: it writes the file again. If it fails again, please report it.'],
  })
}

function textOf(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

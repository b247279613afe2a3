import type {Target} from '../db/database.js'
import {withObjectStore, type ExportSettings} from './settings.js'

/** A file that becomes visible under its name only when it is whole. */
export interface Upload {
  /** Resolves when the next part can be given; the part may then be reused. */
  write(part: Uint8Array): Promise<void>
  /** Makes the file visible under its name. @throws OpsError EXPORT_EXISTS if there is another file of this name */
  finish(): Promise<void>
  /** Removes what was written. Never throws. */
  abort(): Promise<void>
}

/**
 * A directory or a bucket. Names are paths with `/`. Every method throws OpsError EXPORT_STORE with the file and what
 * the system or the store answered.
 */
export interface Store {
  /** The directory, or s3://bucket/prefix; never a password or key. */
  readonly place: string
  /** The name of a file as an operator writes it. */
  locationOf(name: string): string
  /** The whole file; null if there is none. */
  read(name: string): Promise<Buffer | null>
  /** The size of the file in bytes; null if there is none. */
  size(name: string): Promise<number | null>
  /** The bytes from `start` to before `end`. */
  readRange(name: string, start: number, end: number): Promise<Buffer>
  /** Begins a file; interrupted attempts at the same name are removed first. */
  create(name: string): Promise<Upload>
  /** Writes a small file, over the one of the same name if there is one. */
  replace(name: string, content: string): Promise<void>
  remove(name: string): Promise<void>
  close(): void
}

/**
 * Opens the destination of an export: the only place where the address of the target's store is added. The library for
 * S3 is loaded only for s3://.
 * @throws OpsError EXPORT_STORE, EXPORT_PLACE
 */
export async function openStore(given: ExportSettings, target: Pick<Target, 'objectStore'>): Promise<Store> {
  const settings = withObjectStore(given, target.objectStore)
  if (settings.to.startsWith('s3://')) return (await import('./s3.js')).openBucket(settings)
  return (await import('./directory.js')).openDirectory(settings.to)
}

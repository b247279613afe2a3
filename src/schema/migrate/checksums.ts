import {readdirSync, readFileSync} from 'node:fs'
import {usageError} from '../../errors.js'
import {sqlDirectory} from '../../db/load-sql.js'
import {checksumOf} from './source.js'

/** The package's migrations in the order in which they were added; `sha256sum -c` can read the file. */
export const checksumsFile = new URL('migrations/checksums.txt', sqlDirectory)

export interface ListedMigration {
  checksum: string
  /** Path below sql/migrations: `core/0001_core.sql`. */
  path: string
}

/** Parses the committed list. */
export function listedMigrations(text = readFileSync(checksumsFile, 'utf8')): ListedMigration[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [checksum = '', path = ''] = line.split(/\s+/)
      return {checksum, path}
    })
}

/**
 * The list with new files appended. A listed migration must never be edited, because databases have applied it.
 * @throws OpsError MIGRATION_FILES naming each file that changed or is missing
 */
export function withNewMigrations(listed: readonly ListedMigration[]): ListedMigration[] {
  const files = (['core', 'qicore'] as const).flatMap((stream) =>
    readdirSync(new URL(`migrations/${stream}/`, sqlDirectory))
      .filter((entry) => entry.endsWith('.sql'))
      .sort()
      .map((entry) => `${stream}/${entry}`),
  )
  const found = new Map(
    files.map((path) => [path, checksumOf(readFileSync(new URL(`migrations/${path}`, sqlDirectory), 'utf8'))]),
  )
  const wrong = listed
    .filter(({path, checksum}) => found.get(path) !== checksum)
    .map(({path}) => `${path} ${found.has(path) ? 'was edited' : 'is gone'}`)
  if (wrong.length > 0)
    throw usageError('MIGRATION_FILES', `Migrations that are listed in checksums.txt changed: ${wrong.join(', ')}.`, [
      'Restore them, and write the change as a new migration. Routines are changed in sql/routines.',
    ])
  const known = new Set(listed.map(({path}) => path))
  return [...listed, ...files.filter((path) => !known.has(path)).map((path) => ({path, checksum: found.get(path)!}))]
}

export function checksumsText(listed: readonly ListedMigration[]): string {
  return listed.map(({checksum, path}) => `${checksum}  ${path}\n`).join('')
}

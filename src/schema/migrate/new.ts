import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join, sep} from 'node:path'
import {messageOf, usageError} from '../../errors.js'
import type {SchemaDefinition} from '../definition.js'
import {diffDefinitions} from '../diff.js'
import {qicore} from '../qicore.js'
import {ownDirectory} from './request.js'
import {packagedDirectory, readStream, type StreamSource} from './source.js'

/** The definitions as the last migration of a stream left them; committed beside its files. */
export const snapshotFile = 'snapshot.json'

export interface NewMigration {
  file: string
  /** As it will be recorded. */
  version: string
  /** Written into it; 0 where it is empty. */
  statements: number
  /** What changed in the definitions and is not in the file. */
  cannot: string[]
}

/**
 * Writes the next migration of a stream: the difference between the definitions and the last snapshot as far as it
 * can be written, else an empty file with a header.
 * @throws OpsError MIGRATION_NAME, MIGRATION_FILES
 */
export function newMigration({stream, directory, files}: StreamSource, title: string, definitions: SchemaDefinition | null): NewMigration {
  const name = title.trim().toLowerCase().replace(/[\s-]+/g, '_')
  if (!/^[a-z0-9_]{1,60}$/.test(name)) throw usageError('MIGRATION_NAME', `"${title}" is no name for a file: use letters, digits and _.`)
  const number = String(Math.max(0, ...files.map((source) => Number(source.number))) + 1).padStart(4, '0')
  const version = nextVersion(files.map((source) => source.version))
  const before = definitions === null ? null : readSnapshot(directory)
  const {statements, cannot} = definitions === null || before === null ? {statements: [], cannot: []} : diffDefinitions(before, definitions)
  const file = join(directory, `${number}_${name}.sql`)
  const body = statements.length > 0 ? statements.map((statement) => `${statement};\n`).join('\n') : ''
  const notes = cannot.map((reason) => `-- Not written by itself: ${reason}.\n`).join('')
  mkdirSync(directory, {recursive: true})
  // wx: a file that somebody made in the same moment is not overwritten.
  writeFileSync(file, `-- version: ${version}\n-- description: ${name.replaceAll('_', ' ')}\n${notes}\n${body}`, {flag: 'wx'})
  if (definitions !== null) writeFileSync(join(directory, snapshotFile), snapshotText(definitions))
  return {file, version: stream === 'qicore' ? version : `${stream}.${version}`, statements: statements.length, cannot}
}

/**
 * The stream that a new file goes into, and the definitions that it follows.
 * @throws OpsError NO_CONFIG, NOT_A_CHECKOUT
 */
export function streamForNew(stream: 'qicore' | 'app', configDirectory: string | null): {source: StreamSource; definitions: SchemaDefinition | null} {
  if (stream === 'app') {
    const directory = ownDirectory(configDirectory)
    if (directory === null)
      throw usageError('NO_CONFIG', 'Migrations of your own lie in migrations/ beside qicore-db.config.yaml, and there is none here.', ['Write one (it may hold only "version: 1"), or name it with --config.'])
    return {source: readStream('app', directory, 'migrations'), definitions: null}
  }
  const directory = packagedDirectory('qicore')
  if (directory.includes(`${sep}node_modules${sep}`))
    throw usageError('NOT_A_CHECKOUT', 'The migrations of QiCore belong to this package: --stream qicore is for its own checkout.', ['Leave --stream out for a migration of your own.'])
  return {source: readStream('qicore', directory, 'qicore'), definitions: qicore}
}

/** The definitions as the snapshot holds them. */
export function snapshotText(definitions: SchemaDefinition): string {
  return `${JSON.stringify(definitions, null, 2)}\n`
}

function readSnapshot(directory: string): SchemaDefinition | null {
  const file = join(directory, snapshotFile)
  if (!existsSync(file)) return null
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SchemaDefinition
  } catch (error) {
    throw usageError('MIGRATION_FILES', `${file} cannot be read: ${messageOf(error)}`)
  }
}

function nextVersion(versions: readonly string[]): string {
  const [major = 1, minor = -1] = (versions.at(-1) ?? '1.-1').replace(/^[a-z]+\./, '').split('.').map(Number)
  return `${major}.${minor + 1}.0`
}

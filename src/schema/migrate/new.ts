import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join, sep} from 'node:path'
import {messageOf, usageError} from '../../errors.js'
import {engineNames, engines, type EngineKind} from '../../engines/index.js'
import {shapeProblems} from '../check.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {diffDefinitions} from '../diff.js'
import {createTables} from '../generate/new-tables.js'
import {qicore} from '../built-in.js'
import {ownDirectory} from './request.js'
import {packagedDirectory, readStream, type Stream, type StreamSource} from './source.js'

/** The definitions at the time of a stream's last migration; committed beside its files. */
export const snapshotFile = 'snapshot.json'

export interface NewMigration {
  file: string
  /** The files: more than one if the SQL differs by engine. */
  files: string[]
  /** The version to be recorded. */
  version: string
  /** Number of generated statements; 0 if the file is empty. */
  statements: number
  /** Changes of the definitions that are not in the file. */
  cannot: string[]
}

/**
 * Writes the next migration of a stream: the generated part of the difference between the definitions and the last
 * snapshot, or an empty file with a header.
 * @throws OpsError MIGRATION_NAME, MIGRATION_FILES
 */
export function newMigration(
  {stream, directory, files}: StreamSource,
  title: string,
  definitions: SchemaDefinition | null,
): NewMigration {
  const name = title
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
  if (!/^[a-z0-9_]{1,60}$/.test(name))
    throw usageError('MIGRATION_NAME', `"${title}" cannot be a file name: use letters, digits and _.`)
  const number = String(Math.max(0, ...files.map((source) => Number(source.number))) + 1).padStart(4, '0')
  const version = nextVersion(files.map((source) => source.version))
  // QiCore's first files predate snapshots; a user's own tables start without one.
  const before =
    definitions === null ? null : (readSnapshot(directory) ?? (stream === 'app' ? {tables: [], aggregates: []} : null))
  const {byEngine, cannot} =
    definitions === null || before === null
      ? {byEngine: forEach(() => []), cannot: []}
      : written(before, definitions, stream)
  // A name may contain a line break, after which the comment would end and the rest would be SQL.
  const notes = cannot
    .map((reason) => `-- Not generated, write it yourself: ${reason.replace(/\s+/g, ' ')}.\n`)
    .join('')
  const text = (statements: readonly string[]) =>
    `-- version: ${version}\n-- description: ` +
    `${name.replaceAll('_', ' ')}\n${notes}\n${statements.map((statement) => `${statement};\n`).join('\n')}`
  // An engine that takes another's file needs one of its own only if it differs.
  const variants = engines
    .map(({name: engine, variants: [, ...others]}) => ({engine, content: text(byEngine[engine]), others}))
    .filter(
      ({content, others}) => !engineNames.some((other) => others.includes(other) && text(byEngine[other]) === content),
    )
  const [first] = variants
  const made = variants.every(({content}) => content === first!.content)
    ? [{file: join(directory, `${number}_${name}.sql`), content: first!.content}]
    : variants.map(({engine, content}) => ({file: join(directory, `${number}_${name}.${engine}.sql`), content}))
  mkdirSync(directory, {recursive: true})
  // wx: never overwrites a file that was created in the meantime.
  for (const {file, content} of made) writeFileSync(file, content, {flag: 'wx'})
  if (definitions !== null) writeFileSync(join(directory, snapshotFile), snapshotText(definitions))
  return {
    file: made[0]!.file,
    files: made.map(({file}) => file),
    version: stream === 'qicore' ? version : `${stream}.${version}`,
    statements: byEngine[first!.engine].length,
    cannot,
  }
}

const forEach = (statements: (engine: EngineKind) => string[]) =>
  Object.fromEntries(engineNames.map((engine) => [engine, statements(engine)])) as Record<EngineKind, string[]>

/** New tables of a user are written for every engine; for QiCore's own, a developer chooses the file. */
function written(
  before: SchemaDefinition,
  after: SchemaDefinition,
  stream: StreamSource['stream'],
): {byEngine: Record<EngineKind, string[]>; cannot: string[]} {
  const isNew = (table: TableDefinition) =>
    stream === 'app' && !before.tables.some(({schema, name}) => schema === table.schema && name === table.name)
  const fresh = after.tables.filter(isNew)
  const {statements, cannot} = diffDefinitions({...before, tables: [...before.tables, ...fresh]}, after)
  return {byEngine: forEach((engine) => [...createTables(fresh, engine), ...statements]), cannot}
}

/**
 * The stream of a new file, and the definitions to compare.
 * @param own the tables that the user's configuration describes
 * @throws OpsError NO_CONFIG, NOT_A_CHECKOUT
 */
export function streamForNew(
  stream: Stream,
  configDirectory: string | null,
  own: SchemaDefinition | null = null,
): {source: StreamSource; definitions: SchemaDefinition | null} {
  if (stream === 'app') {
    const directory = ownDirectory(configDirectory)
    if (directory === null)
      throw usageError(
        'NO_CONFIG',
        'Your own migrations are in migrations/ beside qicore-db.config.yaml, but no such file was found.',
        ['Create it ("version: 1" is enough), or name it with --config.'],
      )
    return {source: readStream('app', directory, 'migrations'), definitions: own}
  }
  const directory = packagedDirectory(stream)
  if (directory.includes(`${sep}node_modules${sep}`))
    throw usageError(
      'NOT_A_CHECKOUT',
      `The migrations of the stream ${stream} belong to this package: --stream ${stream} works only in a checkout ` +
        'of it.',
      ['Omit --stream to create a migration of your own.'],
    )
  return {source: readStream(stream, directory, stream), definitions: stream === 'qicore' ? qicore : null}
}

/** The snapshot file of the definitions. */
export function snapshotText(definitions: SchemaDefinition): string {
  return `${JSON.stringify(definitions, null, 2)}\n`
}

function readSnapshot(directory: string): SchemaDefinition | null {
  const file = join(directory, snapshotFile)
  if (!existsSync(file)) return null
  let read: unknown
  try {
    read = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw usageError('MIGRATION_FILES', `${file} cannot be read: ${messageOf(error)}`)
  }
  const [problem] = shapeProblems(read)
  if (problem)
    throw usageError('MIGRATION_FILES', `${file} is not a snapshot: ${problem.path}: ${problem.message}`, [
      'Restore it from version control; only migrate new writes it.',
    ])
  return read as SchemaDefinition
}

function nextVersion(versions: readonly string[]): string {
  const [major = 1, minor = -1] = (versions.at(-1) ?? '1.-1')
    .replace(/^[a-z]+\./, '')
    .split('.')
    .map(Number)
  return `${major}.${minor + 1}.0`
}

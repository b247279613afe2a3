import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join, sep} from 'node:path'
import {messageOf, usageError} from '../../errors.js'
import {engineNames, type EngineKind} from '../../engines/index.js'
import {shapeProblems} from '../check.js'
import type {SchemaDefinition, TableDefinition} from '../definition.js'
import {diffDefinitions} from '../diff.js'
import {createTables} from '../generate/new-tables.js'
import {qicore} from '../built-in.js'
import {ownDirectory} from './request.js'
import {packagedDirectory, readStream, type Stream, type StreamSource} from './source.js'

/** The definitions as the last migration of a stream left them; committed beside its files. */
export const snapshotFile = 'snapshot.json'

export interface NewMigration {
  file: string
  /** All of them: one an engine, where what they need differs. */
  files: string[]
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
    throw usageError('MIGRATION_NAME', `"${title}" is no name for a file: use letters, digits and _.`)
  const number = String(Math.max(0, ...files.map((source) => Number(source.number))) + 1).padStart(4, '0')
  const version = nextVersion(files.map((source) => source.version))
  // QiCore's first files were made before there was a snapshot; a user's own tables begin with none.
  const before =
    definitions === null ? null : (readSnapshot(directory) ?? (stream === 'app' ? {tables: [], aggregates: []} : null))
  const {byEngine, cannot} =
    definitions === null || before === null
      ? {byEngine: forEach(() => []), cannot: []}
      : written(before, definitions, stream)
  // A name may hold a line's end, and the rest of it would be SQL.
  const notes = cannot
    .map((reason) => `-- Not generated, write it yourself: ${reason.replace(/\s+/g, ' ')}.\n`)
    .join('')
  const text = (statements: readonly string[]) =>
    `-- version: ${version}\n-- description: ${name.replaceAll('_', ' ')}\n${notes}\n${statements.map((statement) => `${statement};\n`).join('\n')}`
  const variants = engineNames.map((engine) => ({engine, content: text(byEngine[engine])}))
  const [first] = variants
  const made = variants.every(({content}) => content === first!.content)
    ? [{file: join(directory, `${number}_${name}.sql`), content: first!.content}]
    : variants.map(({engine, content}) => ({file: join(directory, `${number}_${name}.${engine}.sql`), content}))
  mkdirSync(directory, {recursive: true})
  // wx: a file that was made in the same moment is not overwritten.
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

/** A user's new tables are written out for every engine; of QiCore's own a person decides in which file they go. */
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
 * The stream that a new file goes into, and the definitions that it follows.
 * @param own the tables that a user's configuration describes
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
        'Migrations of your own lie in migrations/ beside qicore-db.config.yaml, and there is none here.',
        ['Write one (it may hold only "version: 1"), or name it with --config.'],
      )
    return {source: readStream('app', directory, 'migrations'), definitions: own}
  }
  const directory = packagedDirectory(stream)
  if (directory.includes(`${sep}node_modules${sep}`))
    throw usageError(
      'NOT_A_CHECKOUT',
      `The migrations of the stream ${stream} belong to this package: --stream ${stream} is for a checkout of it.`,
      ['Leave --stream out for a migration of your own.'],
    )
  return {source: readStream(stream, directory, stream), definitions: stream === 'qicore' ? qicore : null}
}

/** The definitions as the snapshot holds them. */
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
    throw usageError('MIGRATION_FILES', `${file} is no snapshot: ${problem.path}: ${problem.message}`, [
      'Take it from version control again; it is written by migrate new only.',
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

import {createHash} from 'node:crypto'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {sqlDirectory} from '../../db/load-sql.js'
import {engineNamed, engineNames, type EngineKind} from '../../engines/index.js'
import {usageError} from '../../errors.js'
import {mistakesIn} from '../../units/mistakes.js'

/** In the order in which they are applied: the schema qicore, QiCore's tables, the user's own migrations. */
export const streams = ['core', 'qicore', 'app'] as const
export type Stream = (typeof streams)[number]

/** A migration file on disk. */
export interface MigrationSource {
  stream: Stream
  /** Orders the files of a stream. */
  number: string
  name: string
  /** The one engine that the file is for; null for every engine without a file of its own. */
  engine: EngineKind | null
  /** The recorded version: `core.1.0.0`, `1.0.0`, `app.1.0.0`. */
  version: string
  description: string
  transaction: 'own' | 'none'
  text: string
  checksum: string
  /** For messages: `qicore/0001_tables.sql`, or the user's path. */
  file: string
}

/** The files of one stream, and the directory they were read from. */
export interface StreamSource {
  stream: Stream
  directory: string
  files: readonly MigrationSource[]
}

/**
 * All streams: those of the package, and the user's own.
 * @param own directory of the user's migrations; null without a configuration file
 */
export function migrationSources(own: string | null): StreamSource[] {
  const packaged = (['core', 'qicore'] as const).map((stream) => readStream(stream, packagedDirectory(stream), stream))
  return own === null ? packaged : [...packaged, readStream('app', own, 'migrations')]
}

/** Directory of the migrations in the package. */
export function packagedDirectory(stream: Stream): string {
  return fileURLToPath(new URL(`migrations/${stream}/`, sqlDirectory))
}

/**
 * Reads a directory of migrations; files other than .sql are ignored.
 * @throws OpsError MIGRATION_FILES with every mistake
 */
export function readStream(stream: Stream, directory: string, label: string): StreamSource {
  const problems: string[] = []
  const files = list(directory).flatMap((entry) => {
    const read = readMigration(stream, entry, readFileSync(join(directory, entry)), `${label}/${entry}`)
    if ('problem' in read) problems.push(read.problem)
    return 'problem' in read ? [] : [read.source]
  })
  problems.push(...orderProblems(files))
  if (problems.length > 0) throw usageError('MIGRATION_FILES', mistakesIn(directory, problems))
  return {stream, directory, files}
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((entry) => entry.endsWith('.sql'))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw usageError('MIGRATION_FILES', `${directory} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

const fileName = new RegExp(`^(\\d{4,})_([a-z0-9_]+)(?:\\.(${engineNames.join('|')}))?\\.sql$`)

function readMigration(
  stream: Stream,
  entry: string,
  bytes: Buffer,
  file: string,
): {source: MigrationSource} | {problem: string} {
  const [, number, name, engine] = fileName.exec(entry) ?? []
  if (number === undefined)
    return {problem: `${file}: the name must be NNNN_name.sql or NNNN_name.<engine>.sql (${engineNames.join(', ')})`}
  let text: string
  try {
    text = normalise(new TextDecoder('utf-8', {fatal: true}).decode(bytes))
  } catch {
    return {problem: `${file}: it is not UTF-8 text`}
  }
  const header = headerOf(text)
  const bare = header.version?.startsWith(`${stream}.`) ? header.version.slice(stream.length + 1) : header.version
  if (bare === undefined || !/^\d+(\.\d+)*$/.test(bare)) return {problem: `${file}: it has no line "-- version: 1.0.0"`}
  if (header.transaction !== undefined && header.transaction !== 'none')
    return {problem: `${file}: "-- transaction: ${header.transaction}" is not supported; the only value is none`}
  const version = stream === 'qicore' ? bare : `${stream}.${bare}`
  return {
    source: {
      stream,
      number,
      name: name!,
      engine: (engine as EngineKind | undefined) ?? null,
      version,
      text,
      file,
      description: header.description ?? name!.replaceAll('_', ' '),
      transaction: header.transaction === 'none' ? 'none' : 'own',
      checksum: checksumOf(text),
    },
  }
}

/** Parses the `-- key: value` lines before the first statement. */
function headerOf(text: string): Record<string, string> {
  const [head] = /^(?:[ \t]*(?:--.*)?\n)*/.exec(`${text}\n`)!
  return Object.fromEntries(
    [...head.matchAll(/^--[ \t]*(version|description|transaction):[ \t]*(.*?)[ \t]*$/gm)].map(([, key, value]) => [
      key,
      value,
    ]),
  )
}

/** Ignores line endings, so that a checkout on Windows has the same checksum. */
export function checksumOf(text: string): string {
  return createHash('sha256').update(normalise(text)).digest('hex')
}

export function normalise(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
}

function orderProblems(files: readonly MigrationSource[]): string[] {
  const problems: string[] = []
  const byNumber = new Map<string, MigrationSource>()
  for (const source of files) {
    const first = byNumber.get(source.number)
    if (!first) byNumber.set(source.number, source)
    else if (first.name !== source.name)
      problems.push(`${source.file}: the number ${source.number} is taken by ${first.file}`)
    else if (first.version !== source.version)
      problems.push(`${source.file}: it is version ${source.version}, but ${first.file} is ${first.version}`)
  }
  const ordered = [...byNumber.values()].sort((a, b) => Number(a.number) - Number(b.number))
  ordered.slice(1).forEach((source, index) => {
    if (compareVersions(ordered[index]!.version, source.version) >= 0)
      problems.push(
        `${source.file}: version ${source.version} must be greater than ${ordered[index]!.version} of ` +
          `${ordered[index]!.file}`,
      )
  })
  return problems
}

/** Compares version parts as numbers: 1.10.0 comes after 1.9.0. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string) =>
    version
      .replace(/^[a-z]+\./, '')
      .split('.')
      .map(Number)
  const [left, right] = [parts(a), parts(b)]
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

export function streamOf(version: string): Stream {
  if (version.startsWith('core.')) return 'core'
  return version.startsWith('app.') ? 'app' : 'qicore'
}

/** One version of a stream, with the file for an engine, if there is one. */
export interface Migration {
  version: string
  stream: Stream
  description: string
  /** Null: this version has no file for the engine. */
  source: MigrationSource | null
}

/** The versions of a stream in order, each with its file for an engine. */
export function migrationsFor({files}: StreamSource, engine: EngineKind): Migration[] {
  const versions = new Map<string, MigrationSource[]>()
  for (const source of files) versions.set(source.version, [...(versions.get(source.version) ?? []), source])
  return [...versions.values()]
    .map((variants) => {
      const source =
        engineNamed(engine)
          .variants.map((name) => variants.find((variant) => variant.engine === name))
          .find((variant) => variant !== undefined) ??
        variants.find((variant) => variant.engine === null) ??
        null
      const {version, stream, description} = source ?? variants[0]!
      return {version, stream, description, source}
    })
    .sort((a, b) => compareVersions(a.version, b.version))
}

import {createHash} from 'node:crypto'
import {readdirSync} from 'node:fs'
import {loadSql, sqlDirectory} from '../../db/load-sql.js'
import type {EngineKind} from '../../engines/index.js'
import {usageError} from '../../errors.js'
import {checksumOf, normalise, streamOf, streams, type Stream} from './source.js'

/**
 * A repeatable routine: a function, procedure or view in its own file, reinstalled whenever the file changes. Its
 * header has `-- since: core.1.3.0`, the migration that must precede it, and optionally
 * `-- engines: timescaledb, apache` and `-- requires: retain_gap`.
 */
export interface RoutineFile {
  /** The file name without `.sql`, which is recorded. */
  name: string
  stream: Stream
  /** The migration that must be applied before it. */
  since: string
  /** Null means every engine. */
  engines: readonly EngineKind[] | null
  /** Files that must be installed before it. */
  requires: readonly string[]
  kind: 'function' | 'procedure' | 'view'
  schema: string
  /** The name in the database; each overload has its own file. */
  routine: string
  /** The whole file: one CREATE OR REPLACE statement. */
  text: string
  checksum: string
  /** SHA-256 of the source as PostgreSQL stores it; empty for a view, which is stored as a parse tree. */
  source: string
  /** The file name for messages. */
  file: string
}

let cached: readonly RoutineFile[] | undefined

/**
 * The package's routines for an engine, by stream and name, each after those that it requires.
 * @throws OpsError ROUTINE_FILES if a file has no usable header, which is a bug of the package
 */
export function routineFiles(engine: EngineKind): RoutineFile[] {
  cached ??= inOrder(
    readdirSync(new URL('routines/', sqlDirectory))
      .filter((entry) => entry.endsWith('.sql'))
      .map((entry) => readRoutine(entry.slice(0, -4))),
  )
  return cached.filter(({engines}) => engines === null || engines.includes(engine))
}

const statementHead = /^create or replace (function|procedure|view) (\w+)\.(\w+)/m
const body = /\bas (\$\w*\$)([\s\S]*)\1;?\s*$/

/** Reads one file of sql/routines. */
export function readRoutine(name: string, text = normalise(loadSql(`routines/${name}`))): RoutineFile {
  const file = `routines/${name}.sql`
  const header = (key: string) => new RegExp(`^-- ${key}: (.+)$`, 'm').exec(text)?.[1]?.split(/,\s*/)
  const [since] = header('since') ?? []
  const [, kind, schema, routine] = statementHead.exec(text) ?? []
  if (since === undefined || kind === undefined)
    throw usageError('ROUTINE_FILES', `${file} has no "-- since:" header, or no CREATE OR REPLACE with a schema.`)
  const source = body.exec(text)?.[2]
  return {
    name,
    since,
    text,
    file,
    stream: streamOf(since),
    engines: (header('engines') as EngineKind[] | undefined) ?? null,
    requires: header('requires') ?? [],
    kind: kind as RoutineFile['kind'],
    schema: schema!,
    routine: routine!,
    checksum: checksumOf(text),
    // Undefined is a bug of the package that a test finds: the routine would always count as edited.
    source: source === undefined ? '' : createHash('sha256').update(source).digest('hex'),
  }
}

function inOrder(files: readonly RoutineFile[]): RoutineFile[] {
  const ordered = new Map<string, RoutineFile>()
  const add = (file: RoutineFile, path: readonly string[]) => {
    if (path.includes(file.name))
      throw usageError('ROUTINE_FILES', `${file.file} requires itself through ${path.join(', ')}.`)
    for (const other of files) if (file.requires.includes(other.name)) add(other, [...path, file.name])
    ordered.set(file.name, file)
  }
  const place = ({stream, name}: RoutineFile) => `${streams.indexOf(stream)} ${name}`
  for (const file of [...files].sort((a, b) => (place(a) < place(b) ? -1 : 1))) add(file, [])
  return [...ordered.values()]
}

import {createHash} from 'node:crypto'
import {readdirSync} from 'node:fs'
import {loadSql, sqlDirectory} from '../../db/load-sql.js'
import type {EngineKind} from '../../engines/index.js'
import {usageError} from '../../errors.js'
import {checksumOf, normalise, streamOf, streams, type Stream} from './source.js'

/**
 * A repeatable routine: a function, procedure or view in a file of its own that is installed again whenever the file
 * changes. Its header says `-- since: core.1.3.0`, the migration that must be applied before; where needed
 * `-- engines: timescaledb, apache` and `-- requires: retain_gap`.
 */
export interface RoutineFile {
  /** The file's name without `.sql`; what is recorded. */
  name: string
  stream: Stream
  /** It is installed where this migration is applied. */
  since: string
  /** Null: every engine. */
  engines: readonly EngineKind[] | null
  /** Files that are installed before it. */
  requires: readonly string[]
  kind: 'function' | 'procedure' | 'view'
  schema: string
  /** The name in the database; overloads have a file each. */
  routine: string
  /** The whole file, one CREATE OR REPLACE statement. */
  text: string
  checksum: string
  /** SHA-256 of what PostgreSQL keeps as the source; empty for a view, which is kept as a tree. */
  source: string
  /** For messages. */
  file: string
}

let cached: readonly RoutineFile[] | undefined

/**
 * The routines of the package for an engine, by stream and name, each after those that it requires.
 * @throws OpsError ROUTINE_FILES where a file has no usable header: a mistake of the package
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
    // A body that is not found is a mistake of the package, which a test finds: it would count as edited for ever.
    source: source === undefined ? '' : createHash('sha256').update(source).digest('hex'),
  }
}

function inOrder(files: readonly RoutineFile[]): RoutineFile[] {
  const ordered = new Map<string, RoutineFile>()
  const add = (file: RoutineFile, path: readonly string[]) => {
    if (path.includes(file.name))
      throw usageError('ROUTINE_FILES', `${file.file} requires itself by way of ${path.join(', ')}.`)
    for (const other of files) if (file.requires.includes(other.name)) add(other, [...path, file.name])
    ordered.set(file.name, file)
  }
  const place = ({stream, name}: RoutineFile) => `${streams.indexOf(stream)} ${name}`
  for (const file of [...files].sort((a, b) => (place(a) < place(b) ? -1 : 1))) add(file, [])
  return [...ordered.values()]
}

import type {Database} from '../../db/database.js'
import {loadSql} from '../../db/load-sql.js'
import type {EngineKind} from '../../engines/index.js'
import {statement, userStatement, type Statement} from '../../db/sql.js'
import {usageError} from '../../errors.js'
import type {Plan, Step} from '../../run/step.js'
import {qualified} from '../names.js'
import {qicore} from '../built-in.js'
import {sumOf} from './effect.js'
import {parseMigration, type ParsedStatement} from './parse.js'
import {readRecorded, type Recorded} from './recorded.js'
import {routineFiles, type RoutineFile} from './routine-files.js'
import {replacedStates, routinesSince, routineStates} from './routine-state.js'
import {installRoutine, routineStep} from './routine-step.js'
import {compareVersions, migrationsFor, streamOf, streams, type MigrationSource, type StreamSource} from './source.js'

export interface MigrationRequest {
  sources: readonly StreamSource[]
  engine: EngineKind
  /** Create the extension first. */
  createExtension?: boolean | undefined
  /** The last version to apply; later streams are skipped. */
  to?: string | undefined
  /** Number of space partitions of a new hypertable; the migration files read it only when they create one. */
  spacePartitions?: number | undefined
}

/** The lock that all migration runs of one database share, so that only one runs at a time. */
export const migrationLock = 'migrations'

/** The migration that creates the run lock: what comes up to it runs without one. */
const lockedSince = 'core.1.1.0'

/** Plans the pending migrations: one step per file, which applies and records it. Nothing is changed yet. */
export async function planMigrations(db: Database, request: MigrationRequest): Promise<Plan> {
  const recorded = await readRecorded(db)
  const pending = pendingOf(request, recorded)
  const routines = await dueRoutines(db, request, recorded, pending)
  const dataAtRisk = pending.some(({stream}) => stream !== 'core') && (await holdsData(db))
  const steps: Step[] = request.createExtension ? [extensionStep] : []
  for (const stream of streams) {
    const files = pending.filter((source) => source.stream === stream)
    const own = routines.filter((routine) => routine.stream === stream)
    if (stream === 'core' && !db.server.hasQicoreSchema) {
      if (files.length > 0) steps.push(await coreStep(files, own, request, steps))
      continue
    }
    for (const source of files) steps.push(await fileStep(db, source, request, steps, dataAtRisk))
    const numbered = steps.findLast(isNumbered)?.id
    for (const routine of own)
      steps.push(
        routineStep(
          routine,
          recorded.some(({version}) => version === routinesSince),
          numbered,
        ),
      )
  }
  return {
    operation: 'migrate up',
    summary: 'migrate up',
    cutoff: null,
    tables: [],
    locks: [migrationLock],
    repairs: 'gate_procedure_missing',
    steps,
  }
}

const isNumbered = ({kind}: Step) => kind !== 'routine'

/** Routines that differ from their files, if the migrations they require are applied or planned. */
async function dueRoutines(
  db: Database,
  {sources, engine}: MigrationRequest,
  recorded: readonly Recorded[],
  pending: readonly MigrationSource[],
): Promise<RoutineFile[]> {
  const available = new Set([...recorded, ...pending].map(({version}) => version))
  if (!available.has(routinesSince)) return []
  const states = new Map((await routineStates(db, engine, sources, recorded)).map(({name, state}) => [name, state]))
  const due = ({name, since, stream}: RoutineFile) => {
    const state = states.get(name)!
    return (
      sources.some((source) => source.stream === stream) &&
      (state === 'pending' ? available.has(since) : replacedStates.has(state))
    )
  }
  return routineFiles(engine).filter(due)
}

/**
 * The files that a run would apply, in order.
 * @throws OpsError NO_SUCH_VERSION
 */
export function pendingOf({sources, engine, to}: MigrationRequest, recorded: readonly Recorded[]): MigrationSource[] {
  const done = new Set(recorded.map(({version}) => version))
  const last = to === undefined ? streams.length : streams.indexOf(streamOf(to))
  const known = sources.flatMap((source) => migrationsFor(source, engine))
  if (to !== undefined && !known.some(({version}) => version === to))
    throw usageError('NO_SUCH_VERSION', `There is no migration of version ${to}.`, [
      `Versions: ${known.map(({version}) => version).join(', ')}.`,
    ])
  return known
    .filter(
      ({version, stream}) =>
        streams.indexOf(stream) <= last &&
        (to === undefined || streamOf(to) !== stream || compareVersions(version, to) <= 0),
    )
    .filter(({version}) => !done.has(version))
    .flatMap(({source}) => (source ? [source] : []))
    .sort((a, b) => streams.indexOf(a.stream) - streams.indexOf(b.stream) || compareVersions(a.version, b.version))
}

const seeded = qicore.tables.filter((table) => table.rows).map((table) => qualified(table.schema, table.name))

/** Whether the database has rows that a migration could damage, other than those installed with the tables. */
export async function holdsData(db: Database): Promise<boolean> {
  const [row] = await db.query<{holds: boolean}>(statement(loadSql('schema/migrate/holds-data'), [seeded]))
  return row!.holds
}

const extensionStep: Step = {
  id: 'create extension timescaledb',
  kind: 'extension',
  precedesRecord: true,
  object: 'extension timescaledb',
  statements: [statement('create extension if not exists timescaledb schema public')],
  lock: 'NONE',
  class: 'safe',
  transaction: 'own',
  doneCheck: statement("select exists (select from pg_extension where extname = 'timescaledb') as done"),
  repeatable: true,
  dependsOn: [],
  relations: [],
  bytes: null,
}

/** Installs the whole schema qicore in one step: before it exists, a part of it cannot be recorded. */
async function coreStep(
  sources: readonly MigrationSource[],
  routines: readonly RoutineFile[],
  request: MigrationRequest,
  before: readonly Step[],
): Promise<Step> {
  const files = await Promise.all(
    sources.map(async (source) => [
      ...(await statementsOf(source)).map(({text}) => statement(text)),
      record(source, request.engine),
    ]),
  )
  return {
    id: `migrate ${sources[0]!.version} to ${sources.at(-1)!.version} (schema qicore)`,
    kind: 'migrate',
    precedesRecord: true,
    object: 'schema qicore',
    statements: [...files.flat(), ...routines.flatMap(installRoutine)],
    lock: 'NONE',
    class: 'safe',
    transaction: 'own',
    doneCheck: statement(loadSql('schema/migrate/core-exists')),
    repeatable: false,
    dependsOn: before.map(({id}) => id),
    relations: [],
    bytes: null,
  }
}

async function fileStep(
  db: Database,
  source: MigrationSource,
  request: MigrationRequest,
  before: readonly Step[],
  dataAtRisk: boolean,
): Promise<Step> {
  const parsed = await statementsOf(source)
  const write = source.stream === 'app' ? userStatement : statement
  const {lock, relations, loses} = sumOf(parsed)
  const classOnData = loses ? 'loss' : 'undo'
  const settings =
    request.spacePartitions !== undefined && parsed.some((each) => each.settings.includes('qicore.space_partitions'))
      ? [statement("select set_config('qicore.space_partitions', $1, true)", [String(request.spacePartitions)])]
      : []
  return {
    id: `migrate ${source.version} ${source.name}`,
    kind: 'migrate',
    ...(source.stream === 'core' && compareVersions(source.version, lockedSince) <= 0 && {precedesRecord: true}),
    object: source.file,
    statements: [...settings, ...parsed.map(({text}) => write(text)), record(source, request.engine)],
    lock,
    class: dataAtRisk && source.stream !== 'core' ? classOnData : 'safe',
    transaction: source.transaction,
    doneCheck: db.server.hasQicoreSchema ? statement(loadSql('schema/migrate/is-recorded'), [source.version]) : null,
    repeatable: false,
    // In sequence: a file may depend on an earlier one and on the routines installed since.
    dependsOn: before.slice(Math.max(0, before.findLastIndex(isNumbered))).map(({id}) => id),
    relations,
    bytes: null,
    ...(source.stream === 'app' && {searchPath: userPath(db)}),
    source: {
      file: source.file,
      lines: [...settings.map(() => 1), ...parsed.map(({line}) => line), source.text.split('\n').length],
    },
  }
}

/** The user's SQL finds its tables in public, and the extension's functions in the schema of the extension. */
function userPath(db: Database): string {
  const {timescaledbSchema} = db.server
  return timescaledbSchema === null || timescaledbSchema === 'public'
    ? 'public'
    : `public, "${timescaledbSchema.replaceAll('"', '""')}"`
}

export function record({version, description, stream, checksum}: MigrationSource, engine: EngineKind): Statement {
  // The schema qicore is the same on every engine.
  return statement(loadSql('schema/migrate/record'), [
    version,
    description,
    stream,
    stream === 'core' ? null : engine,
    checksum,
  ])
}

/** @throws OpsError MIGRATION_SYNTAX */
export async function statementsOf({text, file, transaction}: MigrationSource): Promise<ParsedStatement[]> {
  const parsed = await parseMigration(text, file)
  const wrong = (line: number, message: string, suggestion: string) =>
    usageError('MIGRATION_SYNTAX', `${file}:${line}: ${message}`, ['Nothing was done.', suggestion])
  if (parsed.length === 0) throw wrong(1, 'the file has no statement', 'Write one, or remove the file.')
  const control = parsed.find((candidate) => candidate.controlsSession)
  if (control)
    throw wrong(
      control.line,
      `${control.text.split(/\s/)[0]!.toUpperCase()} is not allowed in a migration`,
      transaction === 'own'
        ? 'Every file already runs in one transaction; "-- transaction: none" in its header runs it without one.'
        : 'A file with "-- transaction: none" runs statement by statement.',
    )
  return parsed
}

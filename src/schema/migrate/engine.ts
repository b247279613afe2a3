import type {Server} from '../../db/server.js'
import {engineNamed, engines, takesMigrationsOf, type EngineKind} from '../../engines/index.js'
import {ExitCode, OpsError, usageError} from '../../errors.js'
import type {Recorded} from './recorded.js'

/** The engine whose SQL is installed, and whether the extension must be created first. */
export interface EngineChoice {
  engine: EngineKind
  createExtension: boolean
  /** The reason, unless it is obvious. */
  note: string | null
}

/** The engine that a plain server becomes by CREATE EXTENSION. */
const creatable = engines.find(({extension}) => extension?.created === true)!

const titleOf = (engine: EngineKind) => engineNamed(engine).title

/**
 * Chooses the engine. Recorded migrations fix it. Otherwise an installed extension decides. An available extension is
 * created in an empty database; in a database with data only if --engine requests it.
 * @param asked the value of --engine
 * @throws OpsError WRONG_ENGINE (exit 3), NO_EXTENSION, NO_TIMESCALEDB, OLD_TIMESCALEDB, OLD_CITUS, SAY_ENGINE
 */
export function chooseEngine(
  server: Server,
  recorded: readonly Recorded[],
  asked: EngineKind | undefined,
  holdsData: boolean,
): EngineChoice {
  const before = recorded.find((row) => row.stream !== 'core' && row.engine !== null)?.engine
  if (before) {
    if (!takesMigrationsOf(server.engine, before))
      throw wrongEngine(`This database was migrated for ${titleOf(before)}, but is ${titleOf(server.engine)} now.`)
    if (asked && asked !== before)
      throw wrongEngine(`This database was migrated for ${titleOf(before)}, not for ${titleOf(asked)}.`)
  }
  const {extension} = engineNamed(server.engine)
  if (extension !== null) {
    if (asked && !takesMigrationsOf(server.engine, asked))
      throw usageError(
        'WRONG_ENGINE',
        `The extension ${extension.name} is installed in this database, so its engine is ` +
          `${titleOf(server.engine)}, not ${titleOf(asked)}.`,
      )
    if (olderThan(server.extensionVersion, extension.oldest))
      throw usageError(
        `OLD_${extension.name.toUpperCase()}`,
        `This database has ${extension.title} ${server.extensionVersion}, but changes need ` +
          `${extension.oldest.join('.')} or later.`,
        [`Update it (alter extension ${extension.name} update); ${extension.reads}.`],
      )
    return {engine: asked ?? before ?? server.engine, createExtension: false, note: null}
  }
  if (before || (asked && engineNamed(asked).extension === null))
    return {engine: server.engine, createExtension: false, note: null}
  return withoutExtension(server, asked, holdsData)
}

/**
 * The engine whose migrations a report lists: the choice of {@link chooseEngine}, without its errors. Where
 * `migrate up` requires --engine, it is the current engine of the database.
 */
export function expectedEngine(
  server: Server,
  recorded: readonly Recorded[],
  holdsData: boolean,
): Pick<EngineChoice, 'engine' | 'note'> {
  const known =
    engineNamed(server.engine).extension !== null ||
    recorded.some((row) => row.stream !== 'core' && row.engine !== null)
  if (known) return {engine: server.engine, note: null}
  if (mustSay(server, holdsData))
    return {
      engine: server.engine,
      note:
        'Engine: not chosen yet; migrate up requires --engine timescaledb or --engine postgres. Listed for plain ' +
        'PostgreSQL.',
    }
  const {engine, note} = withoutExtension(server, undefined, holdsData)
  return {engine, note: note && `Engine: migrate up ${note}.`}
}

/** The server could create the extension and the database already has rows, so the operator must choose. */
function mustSay({timescaledbAvailable, preloaded}: Server, holdsData: boolean): boolean {
  return holdsData && timescaledbAvailable !== null && (preloaded?.includes('timescaledb') ?? false)
}

function withoutExtension(server: Server, asked: EngineKind | undefined, holdsData: boolean): EngineChoice {
  const {timescaledbAvailable: available, preloaded} = server
  const extension = asked === undefined ? null : engineNamed(asked).extension
  if (extension !== null && extension.created !== true)
    throw usageError('NO_EXTENSION', `The extension ${extension.name} is not installed in this database.`, [
      `Create it: ${extension.created.byHand}`,
    ])
  const loaded = preloaded?.includes('timescaledb') ?? false
  if (asked) {
    if (available === null)
      throw usageError('NO_TIMESCALEDB', 'TimescaleDB is not installed on this server.', [
        'Install its package on the server, or use --engine postgres.',
      ])
    if (!loaded && preloaded !== null)
      throw usageError(
        'NO_TIMESCALEDB',
        `TimescaleDB ${available} is installed on this server, but not in shared_preload_libraries.`,
        ['Add timescaledb there and restart the server, or use --engine postgres.'],
      )
    return {engine: asked, createExtension: true, note: `creates the extension timescaledb ${available}`}
  }
  if (available === null) return {engine: server.engine, createExtension: false, note: null}
  if (!loaded)
    return {
      engine: server.engine,
      createExtension: false,
      note: `TimescaleDB ${available} is installed on this server but not preloaded: plain PostgreSQL is used`,
    }
  if (mustSay(server, holdsData))
    throw usageError(
      'SAY_ENGINE',
      'This database has data, and the extension timescaledb is available but not created.',
      ['--engine timescaledb creates the extension and hypertables.', '--engine postgres creates partitioned tables.'],
    )
  return {
    engine: creatable.name,
    createExtension: true,
    note: `creates the extension timescaledb ${available}: the server has it preloaded`,
  }
}

function wrongEngine(message: string): OpsError {
  return new OpsError('WRONG_ENGINE', message, {
    exit: ExitCode.found,
    suggestions: [
      'Nothing was done. Migrations of one engine do not work on another: restore the previous engine, or start ' +
        'with a new database.',
    ],
  })
}

function olderThan(version: string | null, [major, minor]: readonly [number, number]): boolean {
  const [x = 0, y = 0] = (/^(\d+)\.(\d+)/.exec(version ?? '')?.slice(1) ?? []).map(Number)
  return x < major || (x === major && y < minor)
}

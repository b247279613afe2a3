import {withDatabase, type Target} from '../db/database.js'
import type {Environment} from '../db/libpq.js'
import {loadSql} from '../db/load-sql.js'
import {statement} from '../db/sql.js'
import {ExitCode, OpsError, usageError} from '../errors.js'
import {isGlob} from '../units/glob.js'
import {runAll} from '../units/run-all.js'
import type {Config} from './load.js'
import {databasesText, hasDatabase, matches, parseSelector, type Selector} from './target-names.js'
import {endWith, parallelTargets, perServer, serverOf, targetTimeout, tooSlow} from './target-limits.js'
import {configFor, type TargetConfig} from './target-settings.js'
import {namedTarget, noSuchTarget, roleSetting, serverTarget} from './target.js'

/** A selected database with the configuration that applies to it. */
export interface SelectedTarget {
  /** `paris`, or `tenants/acme` for a database of a target with `databases`. */
  name: string
  target: Target
  config: TargetConfig
}

/** A target that cannot be used: a variable is not set, or the databases of its server cannot be read. */
export interface FailedTarget {
  name: string
  error: OpsError
  config: TargetConfig
}

export interface SelectionRequest {
  /** Names of targets, of groups, patterns of names, and `<target>/<database>`; `all`: every target. */
  targets: readonly string[] | 'all'
  /** Role for changes of --role. */
  role?: string | undefined
  /** Lists of databases that are read at the same time; default: {@link parallelTargets}. */
  parallel?: number | undefined
  /** Milliseconds for each of them; default: {@link targetTimeout}. */
  timeout?: number | undefined
}

/** Reads the databases of a server. @param stop aborted when its time is over */
export type ReadDatabases = (target: Target, stop: AbortSignal) => Promise<string[]>

/**
 * The targets that a request selects, each once, in the order of the file; databases of one server by name. A target
 * that cannot be used is an entry with its error.
 * @param readDatabases for targets with `databases`; called once for each of them
 * @throws OpsError NO_SUCH_TARGET for a name or a pattern that selects nothing
 */
export async function selectTargets(
  config: Config | null,
  request: SelectionRequest,
  env: Environment,
  readDatabases: ReadDatabases = databasesOf,
): Promise<(SelectedTarget | FailedTarget)[]> {
  if (config === null)
    throw usageError('NO_SUCH_TARGET', 'There is no configuration, so there are no targets.', [
      'qicore-db.config.yaml is searched from here upwards; --config names another.',
    ])
  if (Object.keys(config.targets).length === 0) throw noSuchTarget(`${config.file} has no targets.`, config)
  const selectors = request.targets === 'all' ? null : selectorsOf(config, request.targets)
  const wanted = Object.keys(config.targets).map((name) => ({
    name,
    selectors: selectors?.filter((selector) => selects(selector, name, config)) ?? [parseSelector(name)],
  }))
  const context = {config, request, env}
  const lists = await readLists(wanted.filter(needsList(config)), context, readDatabases)
  const expanded = wanted.map((each) => expandTarget(each, lists.get(each.name) ?? [], context))
  for (const {text} of selectors ?? [])
    if (expanded.every(({matched}) => !matched.has(text)))
      throw noSuchTarget(`${config.file} has no target or group "${text}".`, config)
  return expanded.flatMap(({targets}) => targets)
}

/** @throws OpsError NO_SUCH_TARGET */
function selectorsOf(config: Config, texts: readonly string[]): Selector[] {
  const selectors = texts
    .flatMap((text) => (Object.hasOwn(config.groups ?? {}, text) ? config.groups[text]!.targets : [text]))
    .map(parseSelector)
  const names = Object.keys(config.targets)
  // Before connecting to a server, so that a wrong name fails quickly.
  const unknown = selectors.filter((selector) => !names.some((name) => selects(selector, name, config)))
  if (unknown.length === 0) return selectors
  const listed = [...new Set(unknown.map(({text}) => `"${text}"`))].join(', ')
  throw noSuchTarget(`${config.file} has no target or group ${listed}.`, config)
}

/** Whether a selector may select a target or databases of it. */
function selects({target, database}: Selector, name: string, {targets}: Config): boolean {
  if (!matches(target, name)) return false
  const {databases} = targets[name]!
  if (database === null) return true
  return databases !== undefined && (isGlob(database) || hasDatabase(databases, database))
}

interface Context {
  config: Config
  request: SelectionRequest
  env: Environment
}

/** A target with the selectors that may select it or databases of it. */
interface TargetSelectors {
  name: string
  selectors: readonly Selector[]
}

/** Whether the databases of the server must be known: some are selected other than by their name. */
const needsList =
  ({targets}: Config) =>
  ({name, selectors}: TargetSelectors) =>
    targets[name]!.databases !== undefined && selectors.some(({database}) => database === null || isGlob(database))

/** The databases of each server, or the error. */
async function readLists(
  servers: readonly TargetSelectors[],
  {config, request, env}: Context,
  readDatabases: ReadDatabases,
): Promise<Map<string, string[] | OpsError>> {
  const {timeout = targetTimeout} = request
  const targets = servers.map(({name}) => {
    try {
      return {name, target: serverTarget(name, sourceOf(request), env, config)}
    } catch (error) {
      return {name, error}
    }
  })
  const entries = await runAll<(typeof targets)[number], readonly [string, string[] | OpsError]>(
    targets,
    {
      parallel: request.parallel ?? parallelTargets,
      perKey: perServer,
      key: ({name, target}) => (target === undefined ? name : serverOf(name, target, env)),
      timeout,
    },
    {
      async run({name, target, error}, stop) {
        if (target === undefined) throw error
        return [name, await readDatabases(target, stop)]
      },
      failed({name}, error) {
        if (error !== null && !(error instanceof OpsError)) throw error
        return [name, error ?? tooSlow(name, timeout, true)]
      },
    },
  )
  return new Map(entries)
}

interface Expanded {
  targets: (SelectedTarget | FailedTarget)[]
  /** Texts of the selectors that selected something here, or may have: the databases are unknown. */
  matched: ReadonlySet<string>
}

/** @param list the databases of its server, if they had to be read */
function expandTarget(
  {name, selectors: wanted}: TargetSelectors,
  list: string[] | OpsError,
  context: Context,
): Expanded {
  const {databases} = context.config.targets[name]!
  const all = new Set(wanted.map(({text}) => text))
  if (wanted.length === 0) return {targets: [], matched: all}
  if (databases === undefined) return {targets: [usable(name, context)], matched: all}
  const failed = (error: OpsError): Expanded => ({targets: [failure(name, context, error)], matched: all})
  if (list instanceof OpsError) return failed(list)
  const found = list.filter((database) => hasDatabase(databases, database))
  const named = wanted.flatMap(({database}) => (database === null || isGlob(database) ? [] : [database]))
  const whole = wanted.some(({database}) => database === null)
  if (whole && found.length === 0) return failed(noDatabases(name, databasesText(databases)))
  const chosen = found.filter((each) => wanted.some(({database}) => database === null || matches(database, each)))
  const matched = wanted.filter(
    ({database}) => database === null || !isGlob(database) || found.some((each) => matches(database, each)),
  )
  return {
    targets: [...new Set([...chosen, ...named])].sort().map((database) => usable(`${name}/${database}`, context)),
    matched: new Set(matched.map(({text}) => text)),
  }
}

function usable(name: string, context: Context): SelectedTarget | FailedTarget {
  const {config, env, request} = context
  try {
    const target = namedTarget(name, sourceOf(request), env, config)
    const role = roleSetting(request, env, config, target).value ?? undefined
    return {name, target: {...target, role}, config: configFor(config, name)}
  } catch (error) {
    return failure(name, context, error)
  }
}

function sourceOf({targets}: SelectionRequest) {
  return targets === 'all' ? '--all-targets' : '--targets'
}

function failure(name: string, {config}: Context, error: unknown): FailedTarget {
  if (!(error instanceof OpsError)) throw error
  return {name, error, config: configFor(config, name)}
}

function noDatabases(name: string, pattern: string): OpsError {
  return new OpsError('NO_DATABASES', `The server of "${name}" has no database ${pattern}.`, {
    exit: ExitCode.failed,
    suggestions: [`The pattern is targets.${name}.databases of the configuration.`],
  })
}

/**
 * The databases of a server that accept connections, without templates, by name.
 * @throws OpsError if they cannot be read
 */
async function databasesOf(target: Target, stop: AbortSignal): Promise<string[]> {
  return withDatabase(target, {applicationName: 'qicore-db/targets'}, async (db) => {
    endWith(stop, db)
    try {
      const rows = await db.query<{name: string}>(statement(loadSql('config/databases')))
      return rows.map(({name}) => name)
    } catch (error) {
      const {toOpsError} = await import('../db/sqlstate.js')
      throw toOpsError(error, `read the databases of ${target.name ?? 'the server'}`)
    }
  })
}

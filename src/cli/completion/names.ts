import {readFileSync} from 'node:fs'
import {dirname, resolve} from 'node:path'
import {flagValue} from '../argv.js'
import type {Config} from '../../config/load.js'
import type {Environment} from '../../db/libpq.js'
import type {NameKind} from './complete.js'
import type {KnownTables} from './known-tables.js'

interface ConfigNames {
  migrations?: unknown
  default?: unknown
  targets?: unknown
  tables?: unknown
  aggregates?: unknown
  jobs?: unknown
}

/** A configuration, and the directory from which its paths are relative. */
interface NamesFile {
  names: ConfigNames
  directory: string
}

/**
 * Names of the configuration that applies, and of the tables that its database had at the last report about all of
 * them: for completion. The file is read without any check, since one with a mistake in it is completed as well.
 * Nothing is connected.
 * @param words of the command line, which may have --config, --target and --url
 */
export async function namesOf(
  kind: NameKind,
  words: readonly string[],
  cwd: string,
  env: Environment,
): Promise<string[]> {
  const file = await readNames(flagValue(words, '--config'), cwd)
  const names = kind === 'jobs' ? await jobNames(file.names) : await otherNames(kind, file.names)
  const seen = kind === 'tables' || kind === 'aggregates' ? await seenNames(kind, file, words, cwd, env) : []
  return [...new Set([...names, ...seen])].sort()
}

/** Empty if the command line names no database that could be resolved. */
async function seenNames(
  kind: 'tables' | 'aggregates',
  {names, directory}: NamesFile,
  words: readonly string[],
  cwd: string,
  env: Environment,
): Promise<readonly string[]> {
  const [{resolveTarget}, {rememberedTables}] = await Promise.all([
    import('../../config/target.js'),
    import('./known-tables.js'),
  ])
  // The part of a configuration that decides about the database; a mistake in it is none of completion.
  const config = {targets: {}, ...names, file: '', directory} as unknown as Config
  const request = {url: flagValue(words, '--url'), target: flagValue(words, '--target'), changes: false}
  let known: KnownTables
  try {
    known = rememberedTables(resolveTarget(request, env, config, cwd), env)
  } catch {
    return []
  }
  return kind === 'aggregates' ? known.aggregates : [...known.tables, ...known.aggregates]
}

async function readNames(given: string | undefined, cwd: string): Promise<NamesFile> {
  const [{findConfigFile}, {parse}] = await Promise.all([import('../../config/load.js'), import('yaml')])
  const file = given ?? findConfigFile(cwd)
  const directory = file === null ? cwd : dirname(resolve(cwd, file))
  try {
    return {names: file === null ? {} : ((parse(readFileSync(file, 'utf8')) as ConfigNames | null) ?? {}), directory}
  } catch {
    return {names: {}, directory}
  }
}

function keysOf(section: unknown): string[] {
  return typeof section === 'object' && section !== null ? Object.keys(section) : []
}

async function jobNames({jobs}: ConfigNames): Promise<string[]> {
  const {defaultSchedules} = await import('../../config/default-jobs.js')
  const off = new Set(keysOf(jobs).filter((name) => (jobs as Record<string, unknown>)[name] === 'none'))
  return [...Object.keys(defaultSchedules), ...keysOf(jobs)].filter((name) => !off.has(name))
}

async function otherNames(kind: Exclude<NameKind, 'jobs'>, config: ConfigNames): Promise<string[]> {
  if (kind === 'targets') return keysOf(config.targets)
  const {qicore} = await import('../../schema/built-in.js')
  const builtIn = config.migrations === 'own' ? {tables: [], aggregates: []} : qicore
  const aggregates = [...builtIn.aggregates.map(({name}) => name), ...keysOf(config.aggregates).map(short)]
  if (kind === 'aggregates') return aggregates
  return [...builtIn.tables.map(({name}) => name), ...keysOf(config.tables).map(short), ...aggregates]
}

function short(name: string): string {
  return name.replace(/^public\./, '')
}

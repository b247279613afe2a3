import {readFileSync} from 'node:fs'
import {flagValue} from '../argv.js'
import type {NameKind} from './complete.js'

interface ConfigNames {
  migrations?: unknown
  targets?: unknown
  tables?: unknown
  aggregates?: unknown
  jobs?: unknown
}

/**
 * Names of the configuration that applies, for completion: read without any check, since a file with a mistake in it is
 * completed as well. Nothing is connected.
 * @param words of the command line, which may have --config
 */
export async function namesOf(kind: NameKind, words: readonly string[], cwd: string): Promise<string[]> {
  const config = await readNames(flagValue(words, '--config'), cwd)
  const names = kind === 'jobs' ? await jobNames(config) : await otherNames(kind, config)
  return [...new Set(names)].sort()
}

async function readNames(given: string | undefined, cwd: string): Promise<ConfigNames> {
  const [{findConfigFile}, {parse}] = await Promise.all([import('../../config/load.js'), import('yaml')])
  const file = given ?? findConfigFile(cwd)
  try {
    return file === null ? {} : ((parse(readFileSync(file, 'utf8')) as ConfigNames | null) ?? {})
  } catch {
    return {}
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

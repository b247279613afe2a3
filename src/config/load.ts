import {existsSync, readFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {messageOf, usageError} from '../errors.js'
import {docsPage} from '../units/docs.js'
import type {ConfigFile} from './schema.js'
import {mistakesIn} from '../units/mistakes.js'

export const configFileName = 'qicore-db.config.yaml'

/** A configuration and the absolute path of its file. */
export interface Config extends ConfigFile {
  file: string
  directory: string
}

/** The nearest configuration file, in a directory or those above it. */
export function findConfigFile(from: string): string | null {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const file = join(directory, configFileName)
    if (existsSync(file)) return file
    if (dirname(directory) === directory) return null
  }
}

/**
 * Reads and validates a configuration. All mistakes are reported together, each with its line and path.
 * @throws OpsError CONFIG
 */
export async function loadConfig(file: string): Promise<Config> {
  const [{parseDocument, LineCounter, isMap}, {configSchema}, {check}] = await Promise.all([
    import('yaml'),
    import('./schema.js'),
    import('./problems.js'),
  ])
  const lines = new LineCounter()
  const document = parseDocument(read(file), {lineCounter: lines, prettyErrors: false, uniqueKeys: true})
  const problems = document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${error.message}`)
  if (problems.length > 0) throw configError(file, problems)
  const input = withoutEmpty(plainValue(file, document) ?? {})
  // zod silently ignores this key.
  for (const [path, map] of mapsOfNames(input as Record<string, unknown>))
    if (Object.hasOwn(map, '__proto__')) throw configError(file, [`${path}.__proto__: it cannot be a name`])
  const checked = check(configSchema, input)
  if ('data' in checked) return {...checked.data, file, directory: dirname(file)}
  // The line of the field's name; null for a missing field.
  const lineOf = (path: readonly PropertyKey[]): number | null => {
    if (path.length === 0) return null
    const map = document.getIn(path.slice(0, -1) as unknown[], true) ?? document.contents
    const pair = isMap(map)
      ? map.items.find(({key}) => String((key as {value?: unknown} | null)?.value) === String(path.at(-1)))
      : undefined
    const node = (pair?.key ?? document.getIn(path as unknown[], true)) as {range?: [number]} | undefined
    return node?.range ? lines.linePos(node.range[0]).line : lineOf(path.slice(0, -1))
  }
  const placed = checked.problems
    .map(({path, message}) => ({path, message, line: lineOf(path)}))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const found = placed.map(
    ({path, message, line}) =>
      `${line === null ? '' : `line ${line}: `}${path.map(String).join('.') || 'the file'}: ${message}`,
  )
  throw configError(
    file,
    found,
    placed.some(({path}) => path[0] === 'jobs') ? ['configuration', 'daemon'] : ['configuration'],
  )
}

/** The maps of the file whose keys are names, with their paths. */
function mapsOfNames(input: Record<string, unknown>, path = ''): [string, object][] {
  return (['targets', 'groups', 'jobs', 'labels'] as const).flatMap((section): [string, object][] => {
    const map = input[section]
    if (typeof map !== 'object' || map === null || Array.isArray(map)) return []
    const inside = Object.entries(map).flatMap(([name, entry]) =>
      section === 'targets' || section === 'groups'
        ? mapsOfNames((entry ?? {}) as Record<string, unknown>, `${path}${section}.${name}.`)
        : [],
    )
    return [[`${path}${section}`, map], ...inside]
  })
}

/** Removes sections without content (`jobs:`). */
function withoutEmpty(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))
}

/** An alias without an anchor is detected only here. */
function plainValue(file: string, document: {toJS(): unknown}): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw configError(file, [messageOf(error)])
  }
}

function read(file: string): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(readFileSync(file))
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw usageError('CONFIG', `There is no configuration file ${file}.`, [
        'Omit --config to search for qicore-db.config.yaml here and in the directories above.',
      ])
    throw configError(file, [
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : `it cannot be read (${code})`,
    ])
  }
}

/** If there are more mistakes than this, only the first ones are listed. */
const shown = 30

function configError(file: string, all: readonly string[], pages: readonly string[] = ['configuration']) {
  const problems = all.length <= shown ? all : [...all.slice(0, shown), `and ${all.length - shown} more`]
  return usageError('CONFIG', mistakesIn(file, problems, all.length), [
    `Nothing was done. Every field with an example: ${pages.map(docsPage).join(' and ')}`,
  ])
}

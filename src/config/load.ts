import {existsSync, readFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'
import {messageOf, usageError} from '../errors.js'
import {docsPage} from '../units/docs.js'
import type {ConfigFile} from './schema.js'

export const configFileName = 'qicore-db.config.yaml'

/** A configuration and where it was read; `file` is absolute. */
export interface Config extends ConfigFile {
  file: string
  directory: string
}

/** The nearest configuration file, from a directory upwards. */
export function findConfigFile(from: string): string | null {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const file = join(directory, configFileName)
    if (existsSync(file)) return file
    if (dirname(directory) === directory) return null
  }
}

/**
 * Reads and checks a configuration. Every mistake is reported at once, each with its line and its path.
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
  // zod leaves such a key of a map out without a word.
  for (const section of ['targets', 'jobs'] as const) {
    const map = (input as Record<string, unknown>)[section]
    if (typeof map === 'object' && map !== null && Object.hasOwn(map, '__proto__'))
      throw configError(file, [`${section}.__proto__: it is no name`])
  }
  const checked = check(configSchema, input)
  if ('data' in checked) return {...checked.data, file, directory: dirname(file)}
  // The line of the field's name; what is missing has none of its own.
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

/** A section of which only the name is written (`jobs:`) says nothing. */
function withoutEmpty(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null))
}

/** An alias without its anchor is found only here. */
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
        'Leave --config out to search for qicore-db.config.yaml from here upwards.',
      ])
    throw configError(file, [
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : `it cannot be read (${code})`,
    ])
  }
}

/** More of them than fit a screen are one mistake at the first. */
const shown = 30

function configError(file: string, all: readonly string[], pages: readonly string[] = ['configuration']) {
  const problems = all.length <= shown ? all : [...all.slice(0, shown), `and ${all.length - shown} more`]
  return usageError(
    'CONFIG',
    `${file} has ${all.length === 1 ? 'a mistake' : `${all.length} mistakes`}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    [`Nothing was done. Every field with an example: ${pages.map(docsPage).join(' and ')}`],
  )
}

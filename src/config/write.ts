import {readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {isMap, isScalar, parseDocument, type Document, type YAMLMap} from 'yaml'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {usageError} from '../errors.js'
import {loadConfig} from './load.js'

/** A value to be written into a configuration. */
export type Value = string | boolean | readonly string[] | {[field: string]: Value}

/** One field of one entry. */
export interface Edit {
  section: 'tables' | 'aggregates'
  /** `schema.table`; also matches an entry that spells the same table differently. */
  key: string
  field: string
  value: Value
}

/** The sections as YAML text, formatted as people write it. */
export async function printSections(edits: readonly Edit[]): Promise<string> {
  const document = parseDocument('{}')
  document.contents = document.createNode({}) as unknown as typeof document.contents
  for (const edit of edits) apply(document, edit)
  return edits.length === 0 ? '' : document.toString({lineWidth: 120, flowCollectionPadding: true})
}

/**
 * Writes fields into a configuration file, keeping comments, order and all other content. The result is validated
 * before it replaces the file.
 * @throws OpsError CONFIG; the file is unchanged then
 */
export async function editConfig(file: string, edits: readonly Edit[]): Promise<void> {
  const document = parseDocument(readFileSync(file, 'utf8'))
  for (const edit of edits) apply(document, edit)
  const temporary = `${file}.new`
  writeFileSync(temporary, document.toString({lineWidth: 0, flowCollectionPadding: true}))
  try {
    await loadConfig(temporary)
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, {force: true})
    throw error
  }
}

function apply(document: Document, {section, key, field, value}: Edit): void {
  const sectionNode = mapIn(document, document.contents, [section])
  const written =
    sectionNode.items
      .map((pair) => String((pair.key as {value?: unknown} | null)?.value ?? pair.key))
      .find((text) => sameTable(text, key)) ?? key
  const entry = mapIn(document, sectionNode, [written])
  // Short values on one line, as people write them.
  entry.set(field, typeof value === 'object' ? document.createNode(value, {flow: true}) : value)
  // An entry written on one line is expanded before fields are added to it.
  if (entry.flow && entry.items.length > 1) entry.flow = false
}

function mapIn(document: Document, parent: unknown, [name]: readonly [string]): YAMLMap {
  if (!isMap(parent))
    throw usageError('CONFIG', 'The configuration is not a map of fields, so no field can be written into it.')
  const there = parent.get(name, true)
  if (isMap(there)) {
    if (there.items.length === 0) there.flow = false
    return there
  }
  if (parent.flow && parent.items.length === 0) parent.flow = false
  const made = document.createNode({}) as YAMLMap
  made.flow = false
  // An empty section may have comments: `tables: # ours`.
  if (isScalar(there)) made.commentBefore = [there.commentBefore, there.comment].filter(Boolean).join('\n') || null
  parent.set(name, made)
  return made
}

function sameTable(text: string, key: string): boolean {
  try {
    const {schema, name} = parseQualifiedName(text)
    return formatQualifiedName(schema ?? 'public', name) === key
  } catch {
    return false
  }
}

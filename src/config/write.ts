import {readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs'
import {isMap, parseDocument, type Document, type YAMLMap} from 'yaml'
import {formatQualifiedName, parseQualifiedName} from '../db/qualified-name.js'
import {usageError} from '../errors.js'
import {loadConfig} from './load.js'

/** A value as it goes into a configuration. */
export type Value = string | boolean | readonly string[] | {[field: string]: Value}

/** One field of one entry. */
export interface Edit {
  section: 'tables' | 'aggregates'
  /** `schema.table`; an entry that names the same table otherwise is found. */
  key: string
  field: string
  value: Value
}

/** The sections as YAML of their own, as people would write them. */
export async function printSections(edits: readonly Edit[]): Promise<string> {
  const document = parseDocument('{}')
  document.contents = document.createNode({}) as unknown as typeof document.contents
  for (const edit of edits) apply(document, edit)
  return edits.length === 0 ? '' : document.toString({lineWidth: 120, flowCollectionPadding: true})
}

/**
 * Writes fields into a configuration file: comments, order and whatever else is in it stay. The result is read as a
 * configuration before it takes the place of the old one.
 * @throws OpsError CONFIG, with the file as it was
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
  // What is short stands on one line, as people write it.
  entry.set(field, typeof value === 'object' ? document.createNode(value, {flow: true}) : value)
  // An entry that was written on one line has to be opened up where fields come to it.
  if (entry.flow && entry.items.length > 1) entry.flow = false
}

function mapIn(document: Document, parent: unknown, [name]: readonly [string]): YAMLMap {
  if (!isMap(parent))
    throw usageError('CONFIG', 'The configuration is no map of fields, so nothing can be written into it.')
  const there = parent.get(name, true)
  if (isMap(there)) {
    if (there.items.length === 0) there.flow = false
    return there
  }
  if (parent.flow && parent.items.length === 0) parent.flow = false
  const made = document.createNode({}) as YAMLMap
  made.flow = false
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

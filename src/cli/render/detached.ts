import {formatQualifiedName, shortName} from '../../db/qualified-name.js'
import type {DetachedReport, DetachedRow} from '../../partitions/retain/detached.js'
import {formatBytes} from '../../units/bytes.js'
import {closingLine, note, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** How many reasons are listed one by one. */
const most = 10

/** What the table cannot show: why tables are kept, and what all of them take. */
export function aroundDetached({detached, recordReadable}: DetachedReport): Around<DetachedRow> {
  const unreadable = recordReadable
    ? []
    : [note('This role may not read qicore.detached_partition: recorded partitions are missing from the list.', '!')]
  if (detached.length === 0) return {below: [...unreadable, closingLine(['No detached partitions.'])]}
  return {below: [...unreadable, ...reasonLines(detached), closingLine([verdict(detached)])]}
}

function reasonLines(rows: readonly DetachedRow[]): Line[] {
  const explained = rows.filter(({why}) => why !== null)
  const more = explained.length - most
  return [
    ...explained.slice(0, most).map((row) => note(`${nameOf(row)}: ${row.why}.`, row.stage === 'kept' ? '!' : '-')),
    ...(more > 0 ? [note(`${more} more have a reason: --csv and --json list them.`)] : []),
  ]
}

function nameOf({partitionSchema, partition}: DetachedRow): string {
  return partitionSchema === 'public'
    ? shortName(partitionSchema, partition)
    : formatQualifiedName(partitionSchema, partition)
}

function verdict(rows: readonly DetachedRow[]): string {
  const there = rows.filter(({stage}) => stage !== 'gone' && stage !== 'dropped')
  const known = there.flatMap(({totalBytes}) => totalBytes ?? [])
  const bytes = known.reduce((sum, each) => sum + each, 0)
  const size = known.length === there.length ? formatBytes(bytes) : `${formatBytes(bytes)} or more`
  const absent = rows.length - there.length
  return `${plural(there.length, 'detached partition')}${known.length === 0 ? '' : `, ${size}`}${absent > 0 ? `; ${absent} gone or dropped` : ''}.`
}

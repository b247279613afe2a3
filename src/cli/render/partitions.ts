import {shortName} from '../../db/qualified-name.js'
import type {PartitionRow, PartitionsReport, SetReport} from '../../partitions/list.js'
import type {PartitionLine} from '../../partitions/list-table.js'
import {command} from '../../units/command.js'
import {closingLine, legend, note, type Around, type Line} from './shown.js'
import {plural} from './words.js'

/** Problems that need attention, and the command that fixes them. */
export function aroundSets({tables, absent}: PartitionsReport): Around<SetReport> {
  const gone = absent.map((name) => note(`${name} is declared, but is not a partitioned table here.`, '!'))
  if (tables.length === 0)
    return {below: [closingLine(['This database has no partitioned tables.']), ...gone, ...verdict(tables, absent)]}
  const unmanaged = tables.some(({managed}) => !managed)
  return {
    below: [
      ...findingLines(tables),
      ...reasonLines(tables),
      ...gone,
      ...(unmanaged ? [legend('not declared: shown, never changed.', '*')] : []),
      ...verdict(tables, absent),
    ],
  }
}

/** One set: the newest partitions that fit the screen, with the gaps between them. */
export function aroundPartitions({tables, partitions}: PartitionsReport): Around<PartitionLine> {
  if (partitions.length === 0)
    return {
      below: [
        closingLine(['It has no partitions.']),
        ...findingLines(tables),
        ...reasonLines(tables),
        ...verdict(tables),
      ],
    }
  const gaps = new Map(tables[0]?.gaps.map((gap) => [gap.from, gap]))
  return {
    brief: (rows, most) => {
      const rest = rows.length - most
      return {
        rows: rows.slice(0, most).flatMap((row) => {
          const gap = row.to === null ? undefined : gaps.get(row.to)
          return gap === undefined ? [row] : [gapLine(row, gap), row]
        }),
        rest: rest > 0 ? `${rest} older (--limit shows more; --csv and --json have them all)` : null,
      }
    },
    below: [...findingLines(tables), ...reasonLines(tables), ...verdict(tables)],
  }
}

function gapLine(row: PartitionRow, gap: SetReport['gaps'][number]): PartitionLine {
  return {
    ...row,
    ...gap,
    partition: '(nothing)',
    estimatedRows: null,
    totalBytes: null,
    detachPending: false,
    gap: true,
  }
}

function findingLines(tables: readonly SetReport[]): Line[] {
  return tables.flatMap((set) =>
    set.findings.map(({message, fix}) =>
      note(`${tableName(set)}: ${message}.${fix === undefined ? '' : ` To end it: ${fix}`}`, set.managed ? '!' : ' '),
    ),
  )
}

/** Why no times are shown for a set; a declared one has a finding that says so. */
function reasonLines(tables: readonly SetReport[]): Line[] {
  return tables
    .filter(({unfit, findings}) => unfit !== null && !findings.some(({kind}) => kind === 'unfit'))
    .map(({unfit}) => note(unfit!))
}

function verdict(tables: readonly SetReport[], absent: readonly string[] = []): Line[] {
  const declared = tables.filter(({managed}) => managed)
  const troubled = declared.filter(needsSomebody).length + absent.length
  const total = declared.length + absent.length
  if (total === 0) return []
  if (troubled === 0) return [closingLine([`${plural(total, 'declared set')}, nothing missing.`])]
  const what = `${troubled} of ${plural(total, 'declared set')} ${troubled === 1 ? 'needs' : 'need'} attention.`
  return [closingLine([what], fixOf(declared))]
}

function fixOf(declared: readonly SetReport[]): string[] {
  const has = (...kinds: string[]) => declared.find(({findings}) => findings.some(({kind}) => kinds.includes(kind)))
  const missing = has('now missing', 'ahead missing', 'guard')
  if (missing !== undefined) {
    // Rows of a missing period in the default partition prevent its creation, so the command alone may fail.
    const rows = missing.findings.some(({kind}) => kind === 'default rows')
    const first = rows ? `${command('partitions drain', [shortName(missing.schema, missing.table)])}, then ` : ''
    return [`Fix: ${first}${command('partitions ensure')}`]
  }
  const drain = has('unfinished drain', 'default rows')
  if (drain !== undefined) return [`Fix: ${command('partitions drain', [shortName(drain.schema, drain.table)])}`]
  const pending = has('pending')
  if (pending !== undefined) return [`Fix: ${command('partitions detach', [shortName(pending.schema, pending.table)])}`]
  const gap = has('gap')
  const range = gap?.gaps[0]
  return gap === undefined || !range?.from || !range.to
    ? []
    : [`Fix: ${command('partitions create', [shortName(gap.schema, gap.table)], {from: range.from, to: range.to})}`]
}

function needsSomebody({managed, findings}: SetReport): boolean {
  return managed && findings.length > 0
}

function tableName({schema, table}: SetReport): string {
  return shortName(schema, table)
}

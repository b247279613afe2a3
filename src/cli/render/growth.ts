import type {GrowthReport, StorageGrowth, TableGrowth} from '../../reports/growth-report.js'
import {bytesOr} from '../../units/cell-text.js'
import {command} from '../../units/command.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'

/**
 * When the disk is full, the growth of the database, and what is not known.
 * @param disk when the disk is full, as a sentence; null if its size was not given
 */
export function aroundGrowth(report: GrowthReport, disk: string | null): Around<TableGrowth> {
  const empty = report.tables.length === 0
  return {
    below: [
      ...(empty ? [closingLine(['This database has no hypertables, aggregates or partitioned tables.'])] : []),
      ...databaseLine(report),
      ...diskLine(report, disk),
      ...notes(report.notes),
      closingLine(
        [],
        [methodText(report.tables), `Database and tablespaces: ${command('stats growth', [], {storage: true})}`],
      ),
    ],
  }
}

/** The same below the table of the database and its tablespaces. */
export function aroundStorage(report: GrowthReport, disk: string | null): Around<StorageGrowth> {
  return {below: [...diskLine(report, disk), ...notes(report.notes), closingLine([], [methodText(report.storage)])]}
}

function methodText(rows: readonly (TableGrowth | StorageGrowth)[]): string {
  return rows.some(({basis}) => basis === 'snapshots')
    ? 'Growth by the daily sizes of the last 90 days (least squares).'
    : ''
}

function databaseLine({storage}: GrowthReport): Line[] {
  const database = storage.find(({kind}) => kind === 'database')
  const forecast = database?.forecast?.at(-1)
  if (database === undefined || forecast === undefined) return []
  const range = `${bytesOr(forecast.low)} to ${bytesOr(forecast.high)}`
  return [
    {
      kind: 'people',
      text:
        `Database ${database.name}: ${bytesOr(database.totalBytes)} now, ${bytesOr(forecast.bytes)} in ` +
        `${forecast.days} days (${range}).`,
    },
  ]
}

/** @param disk when the disk is full, as a sentence; null if its size was not given */
function diskLine({disk}: GrowthReport, text: string | null): Line[] {
  return text === null ? [] : [note(text, disk?.state === 'full' ? '!' : '')]
}

import type {DiskForecast, GrowthReport, StorageGrowth, TableGrowth} from '../../reports/growth-report.js'
import {bytesOr} from '../../units/cell-text.js'
import {command} from '../../units/command.js'
import {closingLine, note, notes, type Around, type Line} from './shown.js'

/** When the disk is full, the growth of the database, and what is not known. */
export function aroundGrowth(report: GrowthReport): Around<TableGrowth> {
  const empty = report.tables.length === 0
  return {
    below: [
      ...(empty ? [closingLine(['This database has no hypertables, aggregates or partitioned tables.'])] : []),
      ...databaseLine(report),
      ...diskLine(report),
      ...notes(report.notes),
      closingLine(
        [],
        [methodText(report.tables), `Database and tablespaces: ${command('stats growth', [], {storage: true})}`],
      ),
    ],
  }
}

/** The same below the table of the database and its tablespaces. */
export function aroundStorage(report: GrowthReport): Around<StorageGrowth> {
  return {below: [...diskLine(report), ...notes(report.notes), closingLine([], [methodText(report.storage)])]}
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
      text: `Database ${database.name}: ${bytesOr(database.totalBytes)} now, ${bytesOr(forecast.bytes)} in ${forecast.days} days (${range}).`,
    },
  ]
}

function diskLine({disk}: GrowthReport): Line[] {
  return disk === null ? [] : [note(diskText(disk), disk.state === 'full' ? '!' : '')]
}

/** One sentence: when the disk is full, or why that is never or not known. */
export function diskText(disk: DiskForecast): string {
  const size = `Disk of ${bytesOr(disk.bytes)}${disk.tablespace === null ? '' : ` for tablespace ${disk.tablespace}`}`
  switch (disk.state) {
    case 'full':
      return `${size}: full now.`
    case 'never':
      return `${size}: never full, because ${disk.why}.`
    case 'unknown':
      return `${size}: full on -, because ${disk.why}.`
    default:
      return disk.latest === null
        ? `${size}: full on ${disk.fullOn}, not before ${disk.earliest}. The growth is uncertain: it may never be full.`
        : `${size}: full on ${disk.fullOn}, between ${disk.earliest} and ${disk.latest}.`
  }
}

import type {StorageSize} from '../catalog/storage-sizes.js'
import {usageError} from '../errors.js'
import {addDays, type Day} from '../units/calendar-day.js'
import type {DiskForecast} from './growth-report.js'
import {fewestDays, type Series} from './growth-series.js'
import {crossing} from './trend.js'

/** A disk, and what is on it. */
export interface Disk {
  bytes: number
  /** Only this tablespace; null: the whole database. */
  tablespace: string | null
}

export interface StorageSeries {
  size: StorageSize
  series: Series
}

/** Later days are not named: the forecast is far beyond the recorded sizes. */
const mostDays = 36_525

/**
 * When the database, or one tablespace, has the size of the disk.
 * @throws OpsError NO_SUCH_TABLESPACE naming those that exist
 */
export function diskForecast(disk: Disk, storage: readonly StorageSeries[], day: Day): DiskForecast {
  const found = storage.find(({size}) =>
    disk.tablespace === null ? size.kind === 'database' : size.kind === 'tablespace' && size.name === disk.tablespace,
  )
  if (found === undefined) throw noSuchTablespace(disk, storage)
  const none = {...disk, fullOn: null, earliest: null, latest: null}
  const object = disk.tablespace === null ? 'the database' : `tablespace ${disk.tablespace}`
  const {size, series} = found
  if (size.bytes !== null && size.bytes >= disk.bytes) return {...none, state: 'full', why: null}
  if (series.trend === null)
    return {
      ...none,
      state: 'unknown',
      why: `sizes of ${object} are known for ${series.days} of the ${fewestDays} days that are needed`,
    }
  if (series.trend.slope <= 0) return {...none, state: 'never', why: `${object} does not grow`}
  const {expected, earliest, latest} = crossing(series.trend, disk.bytes)
  if (expected > mostDays) return {...none, state: 'never', why: `${object} reaches it in more than 100 years`}
  const on = (days: number) => (days > mostDays ? null : addDays(day, Math.floor(days)))
  return {
    ...none,
    state: 'growing',
    fullOn: on(expected),
    earliest: on(Math.min(earliest, expected)),
    latest: on(Math.max(latest, expected)),
    why: null,
  }
}

function noSuchTablespace({tablespace}: Disk, storage: readonly StorageSeries[]) {
  const names = storage.filter(({size}) => size.kind === 'tablespace').map(({size}) => size.name)
  return usageError('NO_SUCH_TABLESPACE', `There is no tablespace ${tablespace}.`, [`Tablespaces: ${names.join(', ')}`])
}

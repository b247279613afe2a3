import {bytesOr} from '../units/cell-text.js'
import type {DiskForecast} from './growth-report.js'

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

import {plural} from '../../units/plural.js'
import {formatBytes} from '../../units/bytes.js'
import type {Check} from '../check.js'
import type {CheckContext} from '../context.js'
import {NotKnown, type Finding} from '../finding.js'
import {sqlFix} from '../shared.js'
import {about, bloatShare, muchBloat, rollUpRows, storageOf, type BloatRow} from './indexes.js'

interface IndexBloatRow extends BloatRow {
  /** The indexes with the most empty room, at most three. */
  largest: readonly string[]
}

async function indexBloat(context: CheckContext): Promise<Finding[]> {
  const rows = await rollUpRows<IndexBloatRow>(context, 'index-bloat')
  const findings = rows
    .filter(({bytes, expected}) => bytes - expected >= muchBloat && bytes - expected >= bloatShare * bytes)
    .map((row): Finding => {
      const {bytes, expected, largest, of} = row
      const wasted = bytes - expected
      // TimescaleDB rebuilds the indexes of all chunks with REINDEX TABLE, and not with CONCURRENTLY.
      const isHypertable = of !== null && of.id !== null
      const lock = isHypertable ? ' Each chunk is locked while its indexes are built again.' : ''
      return {
        severity: 'warning',
        object: about(row).object,
        message:
          `Its indexes take ${formatBytes(bytes)}, about ${formatBytes(wasted)} of which are empty (estimated ` +
          `from the widths of their columns): ${largest.join(', ')}.${lock}`,
        data: {bytes, expectedBytes: expected, wastedBytes: wasted, indexes: largest, estimated: true},
        fix: sqlFix(`reindex table ${isHypertable ? '' : 'concurrently '}${storageOf(row)}`),
      }
    })
  const unreadable = rows.filter((row) => row.unreadable > 0)
  if (findings.length > 0 || unreadable.length === 0) return findings
  throw new NotKnown(
    `The statistics of the indexed columns of ${plural(unreadable.length, 'table')} cannot be read: ` +
      `${unreadable.map((row) => about(row).name).join(', ')} were never analyzed, or this role may not read them ` +
      'with SELECT.',
    sqlFix(unreadable.map((row) => `analyze ${storageOf(row)}`).join('; ')),
  )
}

export const indexBloatChecks: readonly Check[] = [
  {
    id: 'indexes.index_bloat',
    about: 'tables',
    passes: 'No table has indexes that are mostly empty.',
    problem: 'tables with indexes that are mostly empty',
    run: indexBloat,
  },
]

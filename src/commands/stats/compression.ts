import {Args} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {fastFlag} from '../../cli/report-flags.js'
import type {CompressionReport} from '../../reports/compression.js'

export default class StatsCompression extends TargetReport<
  typeof StatsCompression,
  CompressionReport,
  CompressionReport
> {
  static override summary = 'Show what compression saved, and which due compression is outstanding.'
  static override description =
    'DONE/DUE: fully compressed chunks of those that are old enough for the policy. A chunk that received rows ' +
    "after its compression is not done, although TimescaleDB's number_compressed_chunks counts it. Without a " +
    'policy nothing is due.\n' +
    'BEFORE and AFTER were recorded when each chunk was compressed; LIVE NOW is the present size of the same ' +
    'chunks. TO GAIN is what compressing the other due chunks would free at the current ratio. OLD SETTINGS ' +
    'counts chunks that were compressed with a segmentby or orderby that the table no longer has.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> public.ohlcv_data --json',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = fastFlag

  static override tables() {
    return {'': async () => (await import('../../reports/compression-table.js')).compressionTable}
  }

  protected override readonly kind = 'stats.compression'

  protected override async reading(): Promise<Reading<CompressionReport, CompressionReport>> {
    const [{readCompression}, {compressionTable}, {declaredUnits}, {reportTarget}] = await Promise.all([
      import('../../reports/compression.js'),
      import('../../reports/compression-table.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const {fast} = this.flags
    return {
      read: async (db, {config, limits}) => {
        const timeUnits = declaredUnits(config)
        const {lateAfter} = limits()
        const report = await readCompression(db, {table: this.args.table, fast, timeUnits, lateAfter})
        return {...report, target: reportTarget(db)}
      },
      show: async (report, show) => ({
        ...report,
        tables: await show(compressionTable, report, report.tables, async () =>
          (await import('../../cli/render/stats.js')).aroundCompression(report),
        ),
      }),
    }
  }
}

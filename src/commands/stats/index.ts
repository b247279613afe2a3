import {Args} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {fastFlag} from '../../cli/report-flags.js'
import {watchFlags} from '../../cli/watch.js'
import type {StatsReport} from '../../reports/stats.js'

export default class Stats extends TargetReport<typeof Stats, StatsReport, StatsReport> {
  static override summary = 'Show size, growth, compression, age and policies of every time-series table.'
  static override description =
    "Lists hypertables, continuous aggregates (by their view's name) and partitioned tables of every schema, " +
    'also without the schema qicore. Changes nothing and never waits for a lock: chunks that another session ' +
    'has locked exclusively are skipped and counted.\n' +
    'SIZE is live: table, indexes, TOAST and compressed data together, as hypertable_size counts. IN/DAY is the ' +
    'size written per day before compression, over the newest whole chunk ranges of at least a week. SAVED ' +
    'compares the sizes recorded at compression. COMPR counts fully compressed chunks; a chunk that received ' +
    'rows since does not count. NEWEST and OLDEST are the ages of the last and the first row; for an aggregate, ' +
    'of its computed buckets. POLICIES counts those that are late, else those that are paused.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --target prod --fast',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {...fastFlag, ...watchFlags}

  static override tables() {
    return {'': async () => (await import('../../reports/stats-table.js')).statsTable}
  }

  protected override readonly kind = 'stats'

  protected override async reading(): Promise<Reading<StatsReport, StatsReport>> {
    const [{readStats}, {statsTable}, {declaredUnits, readManaged}, {reportTarget}] = await Promise.all([
      import('../../reports/stats.js'),
      import('../../reports/stats-table.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const {fast} = this.flags
    return {
      read: async (db, {config, limits}) => {
        const managed = readManaged(db, config)
        const timeUnits = declaredUnits(config)
        const {lateAfter} = limits()
        const report = await readStats(db, {table: this.args.table, fast, managed, timeUnits, lateAfter})
        if (this.args.table === undefined && process.stderr.isTTY)
          (await import('../../cli/completion/known-tables.js')).rememberTables(db.target, report.tables, process.env)
        return {...report, target: reportTarget(db)}
      },
      show: async (report, show) => ({
        ...report,
        tables: await show(statsTable, report, report.tables, async () =>
          (await import('../../cli/render/stats.js')).aroundStats(report),
        ),
      }),
    }
  }
}

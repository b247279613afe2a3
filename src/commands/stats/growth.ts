import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {diskFlags, diskOf, fastFlag} from '../../cli/report-flags.js'
import type {GrowthReport} from '../../reports/growth-report.js'

export default class StatsGrowth extends TargetReport<typeof StatsGrowth, GrowthReport, GrowthReport> {
  static override summary = 'Show how tables, database and tablespaces grow, and when a disk is full.'
  static override description =
    `Growth is the slope of the least squares line through the sizes that the job snapshot records once a UTC day, over the last 90 days; it needs at least 7 days of them. PER DAY is net growth: after compression and retention, negative if the table shrinks. PER MONTH is 30 days of it. IN 30 D and IN 90 D are the line on that day; --json and --csv have low and high, two standard errors of the prediction below and above. TREND has the last 30 days, scaled between the smallest and the largest size; a day without a size is a space.
With less than 7 days of sizes PER DAY is marked *: the bytes written a day as stats shows them (IN/DAY), before compression and without retention.
--disk says when the database, or one tablespace, has reached that size, and between which days that is by the same two standard errors. Only what is measured counts: give the space that this database may use, without WAL and other databases. Units are those of PostgreSQL (1 kB = 1024 bytes).`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data --json',
    '<%= config.bin %> <%= command.id %> --disk 2TB',
    '<%= config.bin %> <%= command.id %> --disk 500GB --tablespace fast --storage',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    ...diskFlags,
    storage: Flags.boolean({summary: 'List the database and the tablespaces instead of the tables.'}),
    ...fastFlag,
  }

  static override tables() {
    const load = () => import('../../reports/growth-table.js')
    return {'': async () => (await load()).growthTable, storage: async () => (await load()).storageTable}
  }

  protected override tableName(): string {
    return this.flags.storage ? 'storage' : ''
  }

  protected override readonly kind = 'stats.growth'

  protected override async reading(): Promise<Reading<GrowthReport, GrowthReport>> {
    const [{readGrowth}, {growthTable, storageTable}, {diskText}, {declaredUnits}, {aroundGrowth, aroundStorage}] =
      await Promise.all([
        import('../../reports/growth.js'),
        import('../../reports/growth-table.js'),
        import('../../reports/disk-text.js'),
        import('../../config/managed.js'),
        import('../../cli/render/growth.js'),
      ])
    const {fast} = this.flags
    const disk = diskOf(this.flags)
    return {
      read: async (db, {config, limits}) => {
        const timeUnits = declaredUnits(config)
        const {lateAfter} = limits()
        const {at, target} = await this.reportHead(db)
        const read = await readGrowth(db, {
          table: this.args.table,
          fast,
          timeUnits,
          lateAfter,
          at,
          disk,
        })
        return {...read, target}
      },
      show: async (report, show) => {
        const full = report.disk === null ? null : diskText(report.disk)
        return this.flags.storage
          ? {
              ...report,
              storage: await show(storageTable, report, report.storage, async () => aroundStorage(report, full)),
            }
          : {...report, tables: await show(growthTable, report, report.tables, async () => aroundGrowth(report, full))}
      },
    }
  }
}

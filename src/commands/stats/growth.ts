import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {diskFlags, diskOf, fastFlag} from '../../cli/report-flags.js'
import type {GrowthReport} from '../../reports/growth-report.js'

export default class StatsGrowth extends TargetReport<typeof StatsGrowth, GrowthReport, GrowthReport> {
  static override summary = 'Show how tables, database and tablespaces grow, and when a disk is full.'
  static override description =
    'PER DAY is net growth: the slope of the least-squares line through the sizes of the last 90 days, which ' +
    'the job snapshot records once per UTC day. It is measured after compression and retention, is negative if ' +
    'the table shrinks, and needs at least 7 days of sizes. PER MONTH is 30 times that. IN 30 D and IN 90 D are ' +
    'the line on that day; --json and --csv also have low and high, two standard errors of the prediction below ' +
    'and above. TREND draws the sizes of the last 30 days between the smallest and the largest one; a day ' +
    'without a size is a space.\n' +
    'With less than 7 days of sizes PER DAY is marked * and has the bytes written per day (IN/DAY of stats), ' +
    'before compression and without retention.\n' +
    '--disk shows when the database, or one tablespace, reaches that size, with the earliest and the latest day ' +
    'by the same two standard errors. Only what is measured counts: give the space that this database may use, ' +
    "without WAL and other databases. Units are PostgreSQL's (1 kB = 1024 bytes)."
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

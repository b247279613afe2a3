import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
import {fastFlag} from '../../cli/report-flags.js'
import type {GrowthReport} from '../../reports/growth-report.js'
import {parseBytes} from '../../units/bytes.js'

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
    disk: Flags.custom<number>({
      summary: 'Say when the database has reached this size: 500GB, 2TB.',
      helpValue: '<size>',
      parse: async (input) => parseBytes(input),
    })(),
    tablespace: Flags.string({
      summary: 'With --disk: the growth of this tablespace instead of the database.',
      helpValue: '<name>',
      dependsOn: ['disk'],
    }),
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
    const [{readGrowth}, {growthTable, storageTable}, {readManaged}, {aroundGrowth, aroundStorage}] = await Promise.all(
      [
        import('../../reports/growth.js'),
        import('../../reports/growth-table.js'),
        import('../../config/managed.js'),
        import('../../cli/render/growth.js'),
      ],
    )
    const {fast, disk, tablespace} = this.flags
    return {
      read: async (db, {config, limits}) => {
        const {timeUnits} = await readManaged(db, config)
        const {lateAfter} = limits()
        const {at, target} = await this.reportHead(db)
        const read = await readGrowth(db, {
          table: this.args.table,
          fast,
          timeUnits,
          lateAfter,
          at,
          disk: disk === undefined ? null : {bytes: disk, tablespace: tablespace ?? null},
        })
        return {...read, target}
      },
      show: async (report, show) =>
        this.flags.storage
          ? {...report, storage: await show(storageTable, report, report.storage, async () => aroundStorage(report))}
          : {...report, tables: await show(growthTable, report, report.tables, async () => aroundGrowth(report))},
    }
  }
}

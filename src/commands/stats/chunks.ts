import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../../cli/report-command.js'
import {fastFlag} from '../../cli/report-flags.js'
import type {ChunksReport} from '../../reports/chunks.js'

export default class StatsChunks extends ReportCommand<typeof StatsChunks> {
  static override summary = 'List chunks or partitions with range, state, size and due work, newest first.'
  static override description =
    `A chunk is marked ! if it has been due for longer than one interval of the policy's schedule plus limits.lateAfter (6h), or if it is unknown since when: rows were written into it after its compression ("partial").
By default the table shows the newest chunks that fit the screen (20 in a pipe; --limit sets the number); CSV, Markdown and JSON have all of them.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> ohlcv_data --late',
    '<%= config.bin %> <%= command.id %> --sort=-total_bytes --limit 5',
    '<%= config.bin %> <%= command.id %> --format csv',
  ]
  static override aliases = ['chunks:list']
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    late: Flags.boolean({summary: 'Only chunks with late work.'}),
    ...fastFlag,
  }

  static override tables() {
    return {'': async () => (await import('../../reports/chunks-table.js')).chunksTable}
  }

  async run(): Promise<ChunksReport> {
    const [{readChunkStats}, {chunksTable}, {readManaged}, {reportTarget}] = await Promise.all([
      import('../../reports/chunks.js'),
      import('../../reports/chunks-table.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const {fast, late} = this.flags
    const report = await this.withDatabase(async (db) => {
      const [{timeUnits}, {lateAfter}] = [await readManaged(db, await this.loadConfig()), await this.limits()]
      return {
        ...(await readChunkStats(db, {table: this.args.table, fast, late, timeUnits, lateAfter})),
        target: reportTarget(db),
      }
    })
    const chunks = await this.show(chunksTable, {at: report.at, fast}, report.chunks, async () =>
      (await import('../../cli/render/chunks.js')).aroundChunks(report, late),
    )
    return {...report, chunks}
  }
}

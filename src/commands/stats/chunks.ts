import {BaseCommand} from '../../cli/base-command.js'
import {chunkFields, chunksArgs, chunksDescription, chunksFlags, chunksSummary} from '../../cli/chunks-command.js'
import type {ChunksReport} from '../../reports/chunks.js'

export default class StatsChunks extends BaseCommand<typeof StatsChunks> {
  static override summary = chunksSummary
  static override description = chunksDescription
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> ohlcv_data --late',
    '<%= config.bin %> <%= command.id %> --json',
  ]
  static override aliases = ['chunks:list']
  static override args = chunksArgs
  static override flags = chunksFlags

  async run(): Promise<ChunksReport> {
    const [{readChunkStats}, {readManaged}, {reportTarget}] = await Promise.all([
      import('../../reports/chunks.js'),
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
    await this.showTable({rows: report.chunks, fields: chunkFields, notes: report.notes}, async (look) =>
      (await import('../../cli/render/chunks.js')).renderChunks(report, look, {late, fast}),
    )
    return report
  }
}

import {BaseCommand} from '../../cli/base-command.js'
import {chunkFields, chunksArgs, chunksDescription, chunksFlags, chunksSummary} from '../../cli/chunks-command.js'
import {terminal} from '../../cli/terminal.js'
import type {ChunksReport} from '../../reports/chunks.js'

export default class StatsChunks extends BaseCommand<typeof StatsChunks> {
  static override summary = chunksSummary
  static override description = chunksDescription
  static override examples = ['<%= config.bin %> <%= command.id %> ohlcv_data', '<%= config.bin %> <%= command.id %> ohlcv_data --late', '<%= config.bin %> <%= command.id %> --json']
  static override aliases = ['chunks:list']
  static override args = chunksArgs
  static override flags = chunksFlags

  async run(): Promise<ChunksReport> {
    const [{readChunkStats}, {readManaged}, {targetLabel}] = await Promise.all([import('../../reports/chunks.js'), import('../../reports/managed.js'), import('../../config/target.js')])
    const {fast, late, csv, 'no-headers': noHeaders} = this.flags
    const report = await this.withDatabase(async (db) => {
      const [{timeUnits}, {lateAfter}] = [await readManaged(db, await this.loadConfig()), await this.limits()]
      return {...(await readChunkStats(db, {table: this.args.table, fast, late, timeUnits, lateAfter})), target: targetLabel(db.target)}
    })
    if (this.jsonEnabled()) return report
    if (csv) {
      const {renderCsv} = await import('../../cli/render/table.js')
      report.notes.forEach((note) => this.say(note))
      this.log(renderCsv(report.chunks, chunkFields, !noHeaders))
    } else {
      const {renderChunks} = await import('../../cli/render/chunks.js')
      this.log(renderChunks(report, {...terminal(), headers: !noHeaders}, {late, fast}))
    }
    return report
  }
}

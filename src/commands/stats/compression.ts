import {Args} from '@oclif/core'
import {BaseCommand} from '../../cli/base-command.js'
import {fastFlag, tableFlags} from '../../cli/table-flags.js'
import type {CompressionReport} from '../../reports/compression.js'

const fields = [
  'schema',
  'table',
  'chunks',
  'compressedChunks',
  'dueChunks',
  'notDoneChunks',
  'late',
  'beforeBytes',
  'afterBytes',
  'ratio',
  'savedPercent',
  'liveBytes',
  'toGainBytes',
  'segmentBy',
  'orderBy',
  'oldSettingsChunks',
  'after',
] as const

export default class StatsCompression extends BaseCommand<typeof StatsCompression> {
  static override summary = 'What compression saved, and what it should have done by now and has not.'
  static override description =
    `DONE/DUE: of the chunks that are old enough for the policy, those that are compressed as a whole. A chunk that was refilled after it was compressed is not done; TimescaleDB's own number_compressed_chunks counts it. Without a policy there is nothing due.
BEFORE and AFTER were recorded when each chunk was compressed; LIVE NOW is what the same chunks take today. TO GAIN is what compressing the rest of the due chunks would free at the ratio so far. OLD SETTINGS counts chunks that were compressed with another segmentby or orderby than the table has now.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> public.ohlcv_data --json',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {...fastFlag, ...tableFlags}

  async run(): Promise<CompressionReport> {
    const [{readCompression}, {readManaged}, {reportTarget}] = await Promise.all([
      import('../../reports/compression.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const {fast} = this.flags
    const report = await this.withDatabase(async (db) => {
      const [{timeUnits}, {lateAfter}] = [await readManaged(db, await this.loadConfig()), await this.limits()]
      return {
        ...(await readCompression(db, {table: this.args.table, fast, timeUnits, lateAfter})),
        target: reportTarget(db),
      }
    })
    await this.showTable({rows: report.tables, fields, notes: report.notes}, async (look) =>
      (await import('../../cli/render/stats.js')).renderCompression(report, look),
    )
    return report
  }
}

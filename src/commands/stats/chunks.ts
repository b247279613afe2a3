import {Args, Flags} from '@oclif/core'
import type {Reading} from '../../cli/fleet/reading.js'
import {fastFlag} from '../../cli/report-flags.js'
import {TargetReport} from '../../cli/target-report.js'
import {terminal} from '../../cli/terminal.js'
import type {ChunksReport} from '../../reports/chunks.js'

/** Tables that --map draws without --limit. */
const mostTables = 40

export default class StatsChunks extends TargetReport<typeof StatsChunks, ChunksReport, ChunksReport> {
  static override summary = 'List chunks or partitions with range, state, size and due work, newest first.'
  static override description =
    "A chunk is marked ! if it has been due for longer than one interval of the policy's schedule plus " +
    'limits.lateAfter (6h), or if it received rows after its compression ("partial"), so that it is unknown for ' +
    'how long it has been due.\n' +
    'By default the table shows the newest chunks that fit the screen (20 in a pipe; --limit sets the number); ' +
    'CSV, Markdown and JSON have all of them.\n' +
    '--map draws all chunks on one time axis instead: for each table bars for the sizes, with the states as ' +
    'characters below them; --limit sets the number of tables.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> ohlcv_data --late',
    '<%= config.bin %> <%= command.id %> --sort=-total_bytes --limit 5',
    '<%= config.bin %> <%= command.id %> --format csv',
    '<%= config.bin %> <%= command.id %> --map',
  ]
  static override aliases = ['chunks:list']
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    late: Flags.boolean({summary: 'Only chunks with late work.'}),
    map: Flags.boolean({
      summary: 'Draw size and state of all chunks over time.',
      exclusive: ['csv', 'format', 'sort', 'no-headers', 'targets', 'all-targets'],
    }),
    ...fastFlag,
  }

  static override tables() {
    return {'': async () => (await import('../../reports/chunks-table.js')).chunksTable}
  }

  protected override readonly kind = 'stats.chunks'

  protected override async reading(): Promise<Reading<ChunksReport, ChunksReport>> {
    const [{readChunkStats}, {chunksTable}, {declaredUnits}, {reportTarget}] = await Promise.all([
      import('../../reports/chunks.js'),
      import('../../reports/chunks-table.js'),
      import('../../config/managed.js'),
      import('../../config/target.js'),
    ])
    const {fast, late, map, limit} = this.flags
    return {
      read: async (db, {config, limits}) => {
        const timeUnits = declaredUnits(config)
        const {lateAfter} = limits()
        const report = await readChunkStats(db, {table: this.args.table, fast, late, timeUnits, lateAfter})
        return {...report, target: reportTarget(db)}
      },
      show: async (report, show) => {
        if (map && !this.jsonEnabled()) {
          await this.draw(report, limit ?? mostTables)
          return report
        }
        const chunks = await show(chunksTable, {at: report.at, fast}, report.chunks, async () =>
          (await import('../../cli/render/chunks.js')).aroundChunks(report, late),
        )
        return {...report, chunks}
      },
    }
  }

  private async draw(report: ChunksReport, tables: number): Promise<void> {
    const [{chunkMap, columnsOf, mapNotes, mapStates}, {mapLayout, renderChunkMap}, {aroundChunks}, {notes}] =
      await Promise.all([
        import('../../reports/chunk-map.js'),
        import('../../cli/render/chunk-map.js'),
        import('../../cli/render/chunks.js'),
        import('../../cli/render/shown.js'),
      ])
    const style = terminal()
    const room = {rows: tables, cells: Number.POSITIVE_INFINITY, cellsPerRow: style.width ?? Number.POSITIVE_INFINITY}
    const map = chunkMap(report.chunks, Date.parse(report.at), room)
    const layout = mapLayout(map, style)
    const columns = map.rows.map((row) => columnsOf(row, map, layout.columns))
    const below = [...notes(mapNotes(map)), ...(aroundChunks(report, this.flags.late).below ?? [])]
    this.log(renderChunkMap({map, columns, states: mapStates(map), below}, layout, style))
  }
}

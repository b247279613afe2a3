import {setTimeout as pause} from 'node:timers/promises'
import type {Command, Interfaces} from '@oclif/core'
import type {Database} from '../db/database.js'
import type {Duration} from '../units/duration.js'
import type {AnyTable, ReportTable, TableContext} from '../units/report-table.js'
import {BaseCommand, type FlagsOf} from './base-command.js'
import {outputIsClosed} from './closed-output.js'
import {globalFlags} from './flags.js'
import type {Around} from './render/shown.js'
import {asksForJson, reportFlags, type Format} from './report-flags.js'
import type {SortOrder} from './report-rows.js'
import {terminal} from './terminal.js'
import {frame, pauseOf} from './watch.js'

/**
 * A command that reports and changes nothing: its main table is declared as data, and every output format is made from
 * that.
 */
export abstract class ReportCommand<T extends typeof Command> extends BaseCommand<T> {
  static override baseFlags = {...globalFlags, ...reportFlags}

  declare protected flags: FlagsOf<T> & Interfaces.InferredFlags<typeof reportFlags>

  /**
   * The tables that it can print, by what chooses them; '' is the one that is printed without that. A method, so that
   * it does not get into the manifest.
   */
  static tables(): Record<string, () => Promise<AnyTable>> {
    return {}
  }

  /** Null until a command line with --sort was read. */
  private order: SortOrder | null = null

  /** `--format json` is `--json`, also for what fails before the flags are parsed. */
  override jsonEnabled(): boolean {
    return super.jsonEnabled() || asksForJson(this.argv)
  }

  override async init(): Promise<void> {
    await super.init()
    const {sort} = this.flags
    if (sort === undefined) return
    const {parseSort} = await import('./report-rows.js')
    const load = (this.ctor as unknown as typeof ReportCommand).tables()[this.tableName()]!
    // Before anything is connected: a wrong name costs nothing.
    this.order = parseSort(sort, await load())
  }

  /** Which of its tables this call prints. */
  protected tableName(): string {
    return ''
  }

  /** How many rows are printed; a command whose own --limit means something else returns undefined. */
  protected rowLimit(): number | undefined {
    return this.flags.limit
  }

  /** How many rows to read where the database limits them: sorted otherwise, the wanted ones may be among all. */
  protected readLimit(most: number): number {
    return this.order === null ? (this.flags.limit ?? most) : most
  }

  /** What was printed for the reading that --watch is about to show; null where there is no --watch. */
  private printed: string[] | null = null

  /**
   * Reads and shows once; with --watch again and again in one session, until the process is interrupted or the reader of
   * its output is gone.
   * @param flags of the command, which has `watchFlags`
   * @returns the report; nothing with --watch, because every reading was printed already
   */
  protected async watched<R extends object>(
    {watch, every}: {watch: boolean; every?: Duration | undefined},
    read: (db: Database) => Promise<R>,
    show: (report: R) => Promise<R>,
  ): Promise<R | undefined> {
    if (!watch) return show(await this.withDatabase(read))
    const ms = pauseOf(every)
    return this.withDatabase(async (db) => {
      for (let first = true; !outputIsClosed(); first = false) {
        this.printed = []
        const report = await show(await read(db))
        if (this.jsonEnabled()) process.stdout.write(`${JSON.stringify(this.toSuccessJson(report))}\n`)
        else process.stdout.write(frame(this.printed.join('\n'), process.stdout, first))
        await pause(ms)
      }
      return undefined
    })
  }

  override log(text = ''): void {
    if (this.printed === null) super.log(text)
    else this.printed.push(this.fitted(text))
  }

  protected override logRaw(text: string): void {
    if (this.printed === null) super.logRaw(text)
    else this.printed.push(text)
  }

  private get format(): Format {
    const {format, csv} = this.flags
    return csv ? 'csv' : (format ?? 'table')
  }

  /**
   * The end of every report: prints the table with what is said around it, in the format that was asked for; nothing
   * under --json.
   * @param rows as read; they are sorted and limited here
   * @param around the sentences about all rows, also those that --limit leaves out
   * @returns the rows for the report under --json
   */
  protected async show<Row, Context extends TableContext>(
    table: ReportTable<Row, Context>,
    context: Context,
    rows: readonly Row[],
    around: () => Promise<Around<Row>>,
  ): Promise<Row[]> {
    const sorted =
      this.order === null ? [...rows] : (await import('./report-rows.js')).sortRows(table, rows, this.order)
    const limit = this.rowLimit()
    const listed = limit === undefined ? sorted : sorted.slice(0, limit)
    if (this.jsonEnabled()) return listed
    const said = await around()
    const shown = {...said, table, context, rows: listed}
    const headers = !this.flags['no-headers']
    switch (this.format) {
      case 'csv': {
        const {csvRemarks, renderCsv} = await import('./render/csv.js')
        for (const line of csvRemarks([...(said.above ?? []), ...(said.below ?? [])])) this.report(line)
        this.logRaw(renderCsv(shown, headers))
        break
      }
      case 'markdown': {
        const {renderMarkdown} = await import('./render/markdown.js')
        this.logRaw(renderMarkdown(shown, headers))
        break
      }
      default: {
        const {renderReport} = await import('./render/report.js')
        this.log(renderReport(limited(shown, rows.length, limit), {...terminal(), headers}))
      }
    }
    return listed
  }
}

/** Where --limit says how many rows there are to be, the table has all of them, and says how many it leaves out. */
function limited<Row, S extends Around<Row> & {rows: readonly Row[]}>(
  shown: S,
  count: number,
  limit: number | undefined,
): S {
  if (limit === undefined) return shown
  const rest = count - shown.rows.length
  return {...shown, brief: (rows: readonly Row[]) => ({rows, rest: rest > 0 ? `${rest} more (--limit)` : null})}
}

import {setTimeout as pause} from 'node:timers/promises'
import type {Command, Interfaces} from '@oclif/core'
import type {Database} from '../db/database.js'
import type {Duration} from '../units/duration.js'
import type {AnyTable, ReportTable, TableContext} from '../units/report-table.js'
import {BaseCommand, type FlagsOf} from './base-command.js'
import {outputIsClosed} from './closed-output.js'
import {globalFlags} from './flags.js'
import type {Around, Shown} from './render/shown.js'
import {asksForJson, reportFlags, type Format} from './report-flags.js'
import type {SortOrder} from './report-rows.js'
import {terminal} from './terminal.js'
import {frame, pauseOf} from './watch.js'

/**
 * A command that reports and changes nothing. Its main table is declared as data, from which every output format is
 * made.
 */
export abstract class ReportCommand<T extends typeof Command> extends BaseCommand<T> {
  static override baseFlags = {...globalFlags, ...reportFlags}

  declare protected flags: FlagsOf<T> & Interfaces.InferredFlags<typeof reportFlags>

  /**
   * The tables that the command can print, by the flag that selects them; '' is the default. A method, so that it is
   * not part of the manifest.
   */
  static tables(): Record<string, () => Promise<AnyTable>> {
    return {}
  }

  /** Null until a command line with --sort has been parsed. */
  private order: SortOrder | null = null

  /** `--format json` means `--json`, also for errors that occur before the flags are parsed. */
  override jsonEnabled(): boolean {
    return super.jsonEnabled() || asksForJson(this.argv)
  }

  override async init(): Promise<void> {
    await super.init()
    const {sort} = this.flags
    if (sort === undefined) return
    const {parseSort} = await import('./report-rows.js')
    const load = (this.ctor as unknown as typeof ReportCommand).tables()[this.tableName()]!
    // Before connecting, so that a wrong column name fails quickly.
    this.order = parseSort(sort, await load())
  }

  /** The table that this call prints. */
  protected tableName(): string {
    return ''
  }

  /** The number of rows to print; undefined in commands whose --limit has another meaning. */
  protected rowLimit(): number | undefined {
    return this.flags.limit
  }

  /** The number of rows to read: if the report is sorted in another order, all rows are needed. */
  protected readLimit(most: number): number {
    return this.order === null ? (this.flags.limit ?? most) : most
  }

  /** The output collected for the next reading of --watch; null without --watch. */
  private printed: string[] | null = null

  /**
   * Reads and shows once; with --watch repeatedly in one session, until the process is interrupted or its output is
   * closed.
   * @param flags flags of the command, including `watchFlags`
   * @param options of {@link withDatabase}
   * @returns the report; nothing with --watch, because every reading has already been printed
   */
  protected async watched<Read, R extends object>(
    {watch, every}: {watch: boolean; every?: Duration | undefined},
    read: (db: Database) => Promise<Read>,
    show: (read: Read) => Promise<R>,
    options: {rows?: boolean} = {},
  ): Promise<R | undefined> {
    if (!watch) return show(await this.withDatabase(read, options))
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
    }, options)
  }

  override log(text = ''): void {
    if (this.printed === null) super.log(text)
    else this.printed.push(this.fitted(text))
  }

  protected override logRaw(text: string): void {
    if (this.printed === null) super.logRaw(text)
    else this.printed.push(text)
  }

  protected get format(): Format {
    const {format, csv} = this.flags
    return csv ? 'csv' : (format ?? 'table')
  }

  /**
   * The last part of every report: prints the table and the sentences around it in the requested format; nothing under
   * --json.
   * @param rows the rows as read; they are sorted and limited here
   * @param around sentences about all rows, including those that --limit omits
   * @returns the rows for the report under --json
   */
  protected async show<Row, Context extends TableContext>(
    table: ReportTable<Row, Context>,
    context: Context,
    rows: readonly Row[],
    around: () => Promise<Around<Row>>,
  ): Promise<Row[]> {
    const listed = await this.listed(table, rows)
    if (this.jsonEnabled()) return listed
    await this.print({...(await around()), table, context, rows: listed}, rows.length)
    return listed
  }

  /** The rows in the order of --sort, at most as many as --limit. */
  protected async listed<Row, Context extends TableContext>(
    table: ReportTable<Row, Context>,
    rows: readonly Row[],
  ): Promise<Row[]> {
    const limit = this.rowLimit()
    const sorted = await this.sorted(table, rows)
    return limit === undefined ? sorted : sorted.slice(0, limit)
  }

  /** The rows in the order of --sort. */
  protected async sorted<Row, Context extends TableContext>(
    table: ReportTable<Row, Context>,
    rows: readonly Row[],
  ): Promise<Row[]> {
    return this.order === null ? [...rows] : (await import('./report-rows.js')).sortRows(table, rows, this.order)
  }

  /**
   * Prints a table and the sentences around it in the requested format.
   * @param count rows before --limit
   */
  protected async print<Row, Context extends TableContext>(shown: Shown<Row, Context>, count: number): Promise<void> {
    const headers = !this.flags['no-headers']
    switch (this.format) {
      case 'csv': {
        const {csvRemarks, renderCsv} = await import('./render/csv.js')
        for (const line of csvRemarks([...(shown.above ?? []), ...(shown.below ?? [])])) this.report(line)
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
        this.log(renderReport(limited(shown, count, this.rowLimit()), {...terminal(), headers}))
      }
    }
  }
}

/** With --limit the table shows exactly that many rows, and reports the number of omitted ones. */
function limited<Row, S extends Around<Row> & {rows: readonly Row[]}>(
  shown: S,
  count: number,
  limit: number | undefined,
): S {
  if (limit === undefined) return shown
  const rest = count - shown.rows.length
  return {...shown, brief: (rows: readonly Row[]) => ({rows, rest: rest > 0 ? `${rest} more (--limit)` : null})}
}

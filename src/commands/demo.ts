import {Flags} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import {instantFlag} from '../cli/flags.js'
import type {Chapter, RowCounts} from '../qicore/demo/run-demo.js'
import type {Database} from '../db/database.js'
import {usageError} from '../errors.js'
import {repeatInCommands} from '../units/command.js'
import type {CandleRow} from '../qicore/candles/read-candles.js'
import type {StatsReport} from '../reports/stats.js'

interface DemoReport {
  kind: 'demo'
  version: 1
  target: string
  at: string
  directory: string
  asOf: string
  /** Time of the newest sample row; may be later than `asOf` if the demo was filled before. */
  sampleUntil: string | null
  rows: RowCounts
  /** The candles of --candles: number in the file, and number newly stored. */
  candles: {file: string; total: number; loaded: number; newExchange: boolean} | null
  chapters: {title: string; done: number; skipped: number; ms: number}[]
  stats: StatsReport
}

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary = 'Create an embedded TimescaleDB with sample market data, and maintain it.'
  static override description =
    `Always uses the embedded engine, in the directory of the configuration's target "local" or in .qicore/db, ` +
    'and ignores the environment.\n' +
    'About 300 000 rows: candles (1 h for 90 days, 1 m for 7), prices, analytics and quotes of four coins on ' +
    'four exchanges, generated deterministically for an --as-of.\n' +
    'Running it again adds what is missing. It never drops anything, and refuses a database that it did not ' +
    'create (exit 7). After an interruption, even by kill -9, the next run continues.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --as-of 2026-11-01',
    '<%= config.bin %> <%= command.id %> --candles BTCUSDT-1m.csv.gz --coin BTCUSDT --exchange binance-us ' +
      '--timeframe 1m',
  ]
  static override flags = {
    fresh: Flags.boolean({summary: 'Rename the existing demo and start with a new one.'}),
    'as-of': instantFlag({summary: 'End of the sample data; default: now.'}),
    candles: Flags.string({
      summary: 'Also load real candles: CSV or gzip, with or without a header; "-" reads stdin.',
      helpValue: '<file>',
      dependsOn: ['coin', 'exchange', 'timeframe'],
    }),
    coin: Flags.string({summary: 'Coin or pair of the candles.', helpValue: '<pair>', dependsOn: ['candles']}),
    exchange: Flags.string({
      summary: 'Exchange of the candles; registered if it does not exist yet.',
      helpValue: '<id>',
      dependsOn: ['candles'],
    }),
    timeframe: Flags.option({
      options: ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w', '1M'] as const,
      summary: 'Length of the candles.',
      dependsOn: ['candles'],
    })(),
  }

  async run(): Promise<DemoReport> {
    const [{demoPlace, claimPlace, flagsFor, writeConfig}, {embeddedDirectory}, config] = await Promise.all([
      import('../qicore/demo/place.js'),
      import('../db/database.js'),
      this.loadConfig(),
    ])
    if (this.flags.url !== undefined || this.flags.target !== undefined)
      throw usageError('USAGE', 'The demo always uses its own database.', ['Leave --url and --target out.'])
    const now = new Date()
    const asOf = this.flags['as-of'] ?? now.toISOString()
    if (Date.parse(asOf) > now.getTime()) throw usageError('USAGE', `--as-of ${asOf} is in the future.`)
    const rows = await this.readCandles()
    const target = demoPlace(config, process.cwd())
    const {aside, reason, release} = await this.whileLocked(() => claimPlace(target, this.flags.fresh, now))
    if (aside !== null)
      this.report(
        `${reason === 'fresh' ? 'The earlier demo' : 'A database that was never finished'} was moved to ${aside}.`,
      )
    const report = await this.withDatabase(
      (db) => this.fill(db, {asOf, directory: embeddedDirectory(target.url)!, rows}),
      {target, create: true},
    ).finally(release)
    const wrote = writeConfig(config, process.cwd())
    const flags = flagsFor(target, config, process.env)
    repeatInCommands({...flags, config: this.flags.config})
    await this.show(report)
    if (wrote !== null)
      this.report(
        `Wrote ${wrote}: its target "local" is this ` +
          `database${Object.keys(flags).length === 0 ? ', and commands in this directory use it by default' : ''}.`,
      )
    return report
  }

  private async fill(
    db: Database,
    {asOf, directory, rows}: {asOf: string; directory: string; rows: readonly CandleRow[] | null},
  ): Promise<DemoReport> {
    const [
      {runDemo, countRows},
      {newestSample},
      {readStats},
      {declaredUnits, readManaged},
      {actorOf},
      limits,
      {planProgress},
      {interrupts},
    ] = await Promise.all([
      import('../qicore/demo/run-demo.js'),
      import('../qicore/demo/fill.js'),
      import('../reports/stats.js'),
      import('../config/managed.js'),
      import('../cli/actor.js'),
      this.limits(),
      import('../cli/progress.js'),
      import('../cli/interrupts.js'),
    ])
    const progress = this.jsonEnabled() || this.quiet ? null : planProgress(process.stderr)
    const signals = interrupts((line) => this.report(line))
    let candles: DemoReport['candles'] = null
    const chapters = await runDemo(db, {
      asOf: Date.parse(asOf) / 1000,
      actor: actorOf(db.server),
      targetHost: 'embedded',
      limits,
      stop: signals.stop,
      cancel: signals.cancel,
      onProgress: progress ?? undefined,
      onChapter: (title) => {
        progress?.stop()
        this.report(`${title} …`)
      },
      extra:
        rows === null
          ? undefined
          : async (tx) => {
              const {planCandles} = await import('../qicore/candles/load-candles.js')
              const {candles: file = '', coin = '', exchange = '', timeframe = ''} = this.flags
              const load = await planCandles(tx, {file: file === '-' ? 'stdin' : file, coin, exchange, timeframe, rows})
              candles = {file, total: load.total, loaded: load.missing, newExchange: load.newExchange}
              return load.plan.steps
            },
    }).finally(() => {
      progress?.stop()
      signals.release()
    })
    const config = await this.loadConfig()
    const managed = readManaged(db, config)
    const stats = {
      ...(await readStats(db, {
        fast: false,
        managed,
        timeUnits: declaredUnits(config),
        lateAfter: limits.lateAfter,
      })),
      target: 'local',
    }
    const newest = await newestSample(db)
    const sampleUntil = newest === null ? null : new Date(newest * 1000).toISOString()
    return {
      kind: 'demo',
      ...(await this.reportHead(db)),
      directory,
      asOf,
      sampleUntil,
      rows: await countRows(db),
      candles,
      chapters: chapters.map(sumOf),
      stats,
    }
  }

  private async readCandles() {
    if (this.flags.candles === undefined) return null
    const {readCandles} = await import('../qicore/candles/read-candles.js')
    return this.flags.candles === '-' ? readCandles('standard input', process.stdin) : readCandles(this.flags.candles)
  }

  private async show(report: DemoReport): Promise<void> {
    if (this.jsonEnabled()) return
    const [{renderReport}, {aroundStats}, {statsTable}, {terminal}, {tryNext, demoNotes}] = await Promise.all([
      import('../cli/render/report.js'),
      import('../cli/render/stats.js'),
      import('../reports/stats-table.js'),
      import('../cli/terminal.js'),
      import('../cli/render/demo.js'),
    ])
    for (const note of demoNotes(report, this.flags.exchange ?? '')) this.report(note)
    const {stats} = report
    const shown = {table: statsTable, context: stats, rows: stats.tables, ...aroundStats(stats)}
    this.log(renderReport(shown, {...terminal(), headers: true}))
    this.log(tryNext(report))
  }
}

function sumOf({title, steps}: Chapter): DemoReport['chapters'][number] {
  const count = (status: string) => steps.filter((step) => step.status === status).length
  return {title, done: count('done'), skipped: count('skipped'), ms: steps.reduce((sum, {ms}) => sum + (ms ?? 0), 0)}
}

import {Flags} from '@oclif/core'
import {BaseCommand} from '../cli/base-command.js'
import {instantFlag} from '../cli/flags.js'
import type {Chapter, RowCounts} from '../demo/run-demo.js'
import {usageError} from '../errors.js'
import type {StatsReport} from '../reports/stats.js'
import {command} from '../units/command.js'

interface DemoReport {
  kind: 'demo'
  version: 1
  target: string
  at: string
  directory: string
  asOf: string
  rows: RowCounts
  /** Candles of --candles: how many the file has, and how many were not stored yet. */
  candles: {file: string; total: number; loaded: number; newExchange: boolean} | null
  chapters: {title: string; done: number; skipped: number; ms: number}[]
  stats: StatsReport
}

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary = 'Make an embedded TimescaleDB with a sample market, and look after it.'
  static override description = `Whatever the environment says, it works on the embedded engine: in the directory of the configuration's target "local", or in .qicore/db here.
About 300 000 rows: candles (1 h for 90 days, 1 m for 7), prices, analytics and quotes of four coins on four exchanges, made up, the same for the same --as-of.
Running it again adds what is missing. It never drops anything, and refuses a database that it did not make (exit 7).`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --as-of 2026-11-01',
    '<%= config.bin %> <%= command.id %> --candles BTCUSDT-1m.csv.gz --coin BTCUSDT --exchange binance-us --timeframe 1m',
  ]
  static override flags = {
    fresh: Flags.boolean({summary: 'Set the demo that is there aside, under another name, and begin anew.'}),
    'as-of': instantFlag({summary: 'Instant up to which the sample data goes; now by default.'}),
    candles: Flags.string({summary: 'Load real candles too: CSV or gzip with open_time, open, high, low, close, volume.', helpValue: '<file>', dependsOn: ['coin', 'exchange', 'timeframe']}),
    coin: Flags.string({summary: 'Coin or pair of the candles.', helpValue: '<pair>', dependsOn: ['candles']}),
    exchange: Flags.string({summary: 'Exchange of the candles; made known where it is new.', helpValue: '<id>', dependsOn: ['candles']}),
    timeframe: Flags.option({options: ['1m', '5m', '15m', '30m', '1h', '4h', '1d', '1w', '1M'] as const, summary: 'Length of the candles.', dependsOn: ['candles']})(),
  }

  async run(): Promise<DemoReport> {
    const [{demoPlace, claimPlace, writeConfig}, {embeddedDirectory}, config] = await Promise.all([import('../demo/place.js'), import('../db/database.js'), this.loadConfig()])
    if (this.flags.url !== undefined || this.flags.target !== undefined)
      throw usageError('USAGE', 'The demo has a database of its own; --url and --target do not go with it.')
    const now = new Date()
    const asOf = this.flags['as-of'] ?? now.toISOString()
    if (Date.parse(asOf) > now.getTime()) throw usageError('USAGE', `--as-of ${asOf} is in the future.`)
    const rows = await this.readCandles()
    const target = demoPlace(config, process.cwd())
    const aside = claimPlace(target, this.flags.fresh, now)
    if (aside !== null) this.say(`The demo that was there is now in ${aside}.`)
    const wrote = writeConfig(config, process.cwd())
    if (wrote !== null) this.say(`Wrote ${wrote}, with the target "local".`)
    return this.withDatabase(async (db) => {
      const [{runDemo, countRows}, {readStats}, {readManaged}, {actorOf}, limits, {planProgress}] = await Promise.all([
        import('../demo/run-demo.js'),
        import('../reports/stats.js'),
        import('../reports/managed.js'),
        import('../cli/actor.js'),
        this.limits(),
        import('../cli/progress.js'),
      ])
      const progress = this.jsonEnabled() ? null : await planProgress(process.stderr)
      let candles: DemoReport['candles'] = null
      const chapters = await runDemo(db, {
        asOf: Date.parse(asOf) / 1000,
        actor: actorOf(db.server),
        targetHost: 'embedded',
        limits,
        onProgress: progress ?? undefined,
        onChapter: (title) => {
          progress?.stop()
          this.say(`${title} …`)
        },
        extra: rows === null ? undefined : async (tx) => {
          const {planCandles} = await import('../ops/candles/load-candles.js')
          const {candles: file = '', coin = '', exchange = '', timeframe = ''} = this.flags
          const load = await planCandles(tx, {file, coin, exchange, timeframe, rows})
          candles = {file, total: load.total, loaded: load.missing, newExchange: load.newExchange}
          return load.plan.steps
        },
      }).finally(() => progress?.stop())
      const {managed, timeUnits} = await readManaged(db, await this.loadConfig())
      const stats = {...(await readStats(db, {fast: false, managed, timeUnits, lateAfter: limits.lateAfter})), target: 'local'}
      const head = await this.reportHead(db)
      const report: DemoReport = {kind: 'demo', ...head, directory: embeddedDirectory(db.target.url)!, asOf, rows: await countRows(db), candles, chapters: chapters.map(sumOf), stats}
      await this.show(report)
      return report
    }, {target, create: true})
  }

  private async readCandles() {
    if (this.flags.candles === undefined) return null
    const {readCandles} = await import('../ops/candles/read-candles.js')
    return readCandles(this.flags.candles)
  }

  private async show(report: DemoReport): Promise<void> {
    if (this.jsonEnabled()) return
    const [{renderStats}, {terminal}] = await Promise.all([import('../cli/render/stats.js'), import('../cli/terminal.js')])
    const {prices, candles, analytics, quotes} = report.rows
    if (report.candles) {
      const {file, total, loaded, newExchange} = report.candles
      this.say(`${file}: ${total} candles, ${loaded} loaded, ${total - loaded} there already.${newExchange ? ` The exchange ${this.flags.exchange} was new and is known now.` : ''}`)
    }
    this.log(renderStats(report.stats, {...terminal(), headers: true}))
    this.log(`\n${prices + candles + analytics + quotes} rows in ${report.directory}: ${candles} candles, ${prices} prices, ${quotes} quotes, ${analytics} analytics.`)
    this.log(['Try next:', ...tryNext.map((each) => `  ${each}`)].join('\n'))
  }
}

const tryNext = [
  command('stats compression'),
  command('stats chunks', ['ohlcv_data']),
  command('policies status'),
  command('chunks drop', ['ohlcv_data'], {'older-than': '60d', 'dry-run': true}),
]

function sumOf({title, steps}: Chapter): DemoReport['chapters'][number] {
  const count = (status: string) => steps.filter((step) => step.status === status).length
  return {title, done: count('done'), skipped: count('skipped'), ms: steps.reduce((sum, {ms}) => sum + (ms ?? 0), 0)}
}

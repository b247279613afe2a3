import {Args, Flags} from '@oclif/core'
import {ReportCommand} from '../cli/report-command.js'
import {ExitCode} from '../errors.js'
import type {FileError} from '../validation/file.js'

interface ValidateReport {
  kind: 'validate'
  version: 1
  target: null
  at: string
  type: string
  table: string
  file: string
  format: 'ndjson' | 'csv'
  valid: number
  invalid: number
  errors: FileError[]
}

export default class Validate extends ReportCommand<typeof Validate> {
  static override summary = 'Check rows of a file against the definition of their table.'
  static override description =
    'Reads NDJSON or CSV, plain or gzip, row by row, without a database. Keys and headers are columns ' +
    '(usd_price) or properties (usdPrice). A value that PostgreSQL would silently round, truncate or drop is an ' +
    'error, and so is a row that a CHECK would refuse. A price must also be at most 10 million, its 24 h change ' +
    'within 200 %, and last updated within the hour before --as-of.\n' +
    'Exits 3 if a row is invalid.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> price prices.ndjson',
    'zcat candles.csv.gz | <%= config.bin %> <%= command.id %> ohlcv - --json',
    '<%= config.bin %> <%= command.id %> desk_b.ticks ticks.csv',
  ]
  static override args = {
    type: Args.string({
      description: 'price, ohlcv, analytics, level1, or a table of the definitions or the configuration',
      required: true,
      ignoreStdin: true,
    }),
    // By default oclif reads stdin for a missing argument and would use the data as the file name.
    file: Args.string({description: 'file; - or no argument reads stdin', ignoreStdin: true}),
  }
  static override flags = {
    'as-of': Flags.string({
      summary:
        "What freshness of prices is measured against: an instant, row (the row's own time) or off; default: now.",
      helpValue: '<instant|row|off>',
    }),
    'input-format': Flags.option({
      options: ['ndjson', 'csv'] as const,
      summary: 'Format of the file; default: detected from its first character.',
    })(),
    limit: Flags.integer({
      summary: 'Number of invalid rows whose errors are shown.',
      default: 20,
      min: 0,
      max: 100_000,
      helpGroup: 'OUTPUT',
      helpValue: '<n>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../validation/errors-table.js')).fileErrorsTable}
  }

  /** --limit counts rows of the file here, each of which may have several errors. */
  protected override rowLimit(): undefined {
    return undefined
  }

  async run(): Promise<ValidateReport> {
    const [{validatedType}, {clock}, {validateFile}, {fileSource}, {allDefinitions}, {byteProgress}, {parseInstant}] =
      await Promise.all([
        import('../qicore/validated-type.js'),
        import('../validation/validator.js'),
        import('../validation/file.js'),
        import('../validation/bytes.js'),
        import('../schema/user-tables.js'),
        import('../cli/progress-bytes.js'),
        import('../units/instant.js'),
      ])
    const {'as-of': asOf, 'input-format': format, limit} = this.flags
    const now = new Date()
    const config = await this.loadConfig()
    const {validated, definition} = await validatedType(this.args.type, allDefinitions(config?.tables ?? null))
    const file = this.args.file === undefined || this.args.file === '-' ? null : this.args.file
    if (file === null && process.stdin.isTTY)
      this.report('Reading rows from the terminal; name a file, or end with Ctrl-D.')
    const source = file === null ? {name: 'stdin', size: null, open: () => process.stdin} : await fileSource(file)
    const isWord = asOf === 'row' || asOf === 'off'
    const given = isWord || asOf === undefined ? asOf : parseInstant(asOf)
    const against = given ?? now.toISOString()
    const progress = byteProgress(process.stderr, source.size)
    const summary = await validateFile(source, validated, definition, {
      format,
      asOf: clock(against),
      limit,
      onProgress: progress,
    }).finally(() => progress.stop())
    if (summary.invalid > 0) process.exitCode = ExitCode.found
    if (asOf === undefined && summary.errors.some(({code}) => code === 'stale'))
      this.report('Older rows are measured against their own time with --as-of row, or not at all with --as-of off.')
    const {valid, invalid, errors} = summary
    const report: ValidateReport = {
      kind: 'validate',
      version: 1,
      target: null,
      at: now.toISOString(),
      type: this.args.type,
      table: definition.name,
      file: source.name,
      format: summary.format,
      valid,
      invalid,
      errors,
    }
    const {fileErrorsTable} = await import('../validation/errors-table.js')
    const listed = await this.show(fileErrorsTable, report, errors, async () =>
      (await import('../cli/render/validate.js')).aroundValidation(report),
    )
    return {...report, errors: listed}
  }
}

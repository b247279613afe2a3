import {Flags} from '@oclif/core'
import {interrupts} from '../../cli/interrupts.js'
import {ReportCommand} from '../../cli/report-command.js'
import {ExitCode} from '../../errors.js'
import type {ReportedDifference} from '../../schema/verify.js'

interface VerifyReport {
  kind: 'schema.verify'
  version: 1
  target: string
  at: string
  /** The origin of the compared definitions. */
  definitions: ('qicore' | 'config')[]
  relations: number
  differences: ReportedDifference[]
}

export default class SchemaVerify extends ReportCommand<typeof SchemaVerify> {
  static override summary = 'Compare a database with the definitions of its tables.'
  static override description =
    `Columns, types, nullability, defaults, checks, uniques, indexes, foreign keys, triggers, dimensions, compression settings, aggregates and routines. The definitions are created in an empty database of the same server, which is dropped afterwards, so that PostgreSQL describes both sides. The role needs CREATEDB for that; --scratch names an empty database instead.
QiCore's tables are compared if their migrations are recorded or crypto_prices exists, tables of the configuration always, other tables never. Nothing is changed: statements that fix a difference without loss are printed.
Exits 3 if there is a difference.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --target prod --json',
    '<%= config.bin %> <%= command.id %> --scratch postgres://ops@db1/empty',
  ]
  static override flags = {
    scratch: Flags.string({
      summary: 'Empty database in which the definitions are created; they are not removed.',
      helpValue: '<url>',
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../schema/verify-table.js')).differencesTable}
  }

  async run(): Promise<VerifyReport> {
    const [{verifySchema, reported}, {differencesTable}, {definitionsFor}, config] = await Promise.all([
      import('../../schema/verify.js'),
      import('../../schema/verify-table.js'),
      import('../../config/definitions.js'),
      this.loadConfig(),
    ])
    const report = await this.withDatabase(async (db): Promise<VerifyReport> => {
      const {definitions, whose} = await definitionsFor(db, config)
      // The scratch database must be dropped even if the command is interrupted.
      const signals = interrupts((line) => this.report(line))
      const differences = await verifySchema(db, definitions, this.flags.scratch, signals.stop).finally(signals.release)
      return {
        kind: 'schema.verify',
        ...(await this.reportHead(db)),
        definitions: whose,
        relations: definitions.tables.length + definitions.aggregates.length,
        differences: differences.map(reported),
      }
    })
    if (report.differences.length > 0) process.exitCode = ExitCode.found
    const differences = await this.show(differencesTable, report, report.differences, async () =>
      (await import('../../cli/render/verify.js')).aroundVerify(report.differences, report.relations),
    )
    return {...report, differences}
  }
}

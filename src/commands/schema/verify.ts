import {Flags} from '@oclif/core'
import {interrupts} from '../../cli/interrupts.js'
import type {Reading} from '../../cli/fleet/reading.js'
import {TargetReport} from '../../cli/target-report.js'
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

export default class SchemaVerify extends TargetReport<typeof SchemaVerify, VerifyReport, VerifyReport> {
  static override summary = 'Compare a database with the definitions of its tables.'
  static override description =
    'Compares columns, types, nullability, defaults, checks, unique constraints, indexes, foreign keys, ' +
    'triggers, dimensions, compression settings, aggregates and routines. The definitions are created in an ' +
    'empty database of the same server, which is dropped afterwards, so that PostgreSQL prints both sides. This ' +
    'needs CREATEDB; --scratch uses an existing empty database instead.\n' +
    "Tables of the configuration are always compared, QiCore's tables if their migrations are recorded or " +
    'crypto_prices exists, other tables never. Nothing is changed: statements that fix a difference without ' +
    'loss are printed.\n' +
    'Exits 3 if there is a difference.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --target prod --json',
    '<%= config.bin %> <%= command.id %> --scratch postgres://ops@db1/empty',
  ]
  static override flags = {
    scratch: Flags.string({
      summary: 'Empty database in which the definitions are created; they are not removed.',
      helpValue: '<url>',
      exclusive: ['targets', 'all-targets'],
    }),
  }

  static override tables() {
    return {'': async () => (await import('../../schema/verify-table.js')).differencesTable}
  }

  protected override readonly kind = 'schema.verify'

  protected override async reading(): Promise<Reading<VerifyReport, VerifyReport>> {
    const [{verifySchema, reported}, {differencesTable}, {definitionsFor}] = await Promise.all([
      import('../../schema/verify.js'),
      import('../../schema/verify-table.js'),
      import('../../config/definitions.js'),
    ])
    return {
      read: async (db, {config, stop}) => {
        const {definitions, whose} = await definitionsFor(db, config)
        // The scratch database must be dropped even if the command is interrupted.
        const signals = interrupts((line) => this.report(line))
        const stopped = stop === undefined ? signals.stop : AbortSignal.any([signals.stop, stop])
        const differences = await verifySchema(db, definitions, this.flags.scratch, stopped).finally(signals.release)
        return {
          kind: 'schema.verify',
          ...(await this.reportHead(db)),
          definitions: whose,
          relations: definitions.tables.length + definitions.aggregates.length,
          differences: differences.map(reported),
        }
      },
      exitCode: ({differences}) => (differences.length > 0 ? ExitCode.found : undefined),
      show: async (report, show) => ({
        ...report,
        differences: await show(differencesTable, report, report.differences, async () =>
          (await import('../../cli/render/verify.js')).aroundVerify(report.differences, report.relations),
        ),
      }),
    }
  }
}

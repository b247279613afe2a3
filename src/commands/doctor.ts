import {Args, Flags} from '@oclif/core'
import type {Reading} from '../cli/fleet/reading.js'
import {TargetReport} from '../cli/target-report.js'
import {ExitCode} from '../errors.js'
import type {DoctorReport} from '../doctor/report.js'
import {failOnOptions} from '../units/fail-on.js'

export default class Doctor extends TargetReport<typeof Doctor, DoctorReport, DoctorReport> {
  static override summary = 'Find problems of this database, their causes and the commands that fix them.'
  static override description =
    'Runs checks on the condition of the database, its background workers, policies and jobs, chunks, ' +
    'aggregates, indexes, partitions, replication, settings, and known defects of the installed versions. Each ' +
    'check is CRITICAL, WARNING, UNKNOWN (with what is needed to check it) or PASSED.\n' +
    'Read-only, never waits for a lock, and does not need the schema qicore. With a table only the checks about ' +
    'tables run, for this table. Exits 3 by --fail-on.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ohlcv_data',
    '<%= config.bin %> <%= command.id %> --only chunks,workers --fail-on critical',
    '<%= config.bin %> <%= command.id %> --skip hazards --json',
  ]
  static override args = {table: Args.string({description: 'table or aggregate, as name or schema.name'})}
  static override flags = {
    all: Flags.boolean({summary: 'Also list the checks that passed.'}),
    only: Flags.string({
      multiple: true,
      delimiter: ',',
      summary: 'Only these checks or groups of checks.',
      helpValue: '<check or group>',
    }),
    skip: Flags.string({
      multiple: true,
      delimiter: ',',
      summary: 'Skip these checks or groups of checks.',
      helpValue: '<check or group>',
    }),
    'fail-on': Flags.option({
      options: failOnOptions,
      default: 'warning',
      summary: 'Exit 3: never, on critical findings, also on warnings, or also on unknown results.',
    })(),
  }

  static override tables() {
    return {'': async () => (await import('../doctor/table.js')).doctorTable}
  }

  protected override readonly kind = 'doctor'

  protected override async reading(): Promise<Reading<DoctorReport, DoctorReport>> {
    const [
      {examine, selectChecks},
      {fails},
      {groupFindings},
      {doctorTable},
      {readDeclared, timeUnitsOf},
      {sectionsOf},
      {reportTarget},
      {partitionRules},
    ] = await Promise.all([
      import('../doctor/examine.js'),
      import('../doctor/report.js'),
      import('../doctor/group-findings.js'),
      import('../doctor/table.js'),
      import('../policies/declared/read-declared.js'),
      import('../cli/policy-request.js'),
      import('../config/target.js'),
      import('../config/partitions.js'),
    ])
    const {table} = this.args
    const {all, only = [], skip = [], 'fail-on': failOn} = this.flags
    // Before connecting, so that a wrong name fails quickly.
    const checks = selectChecks({only, skip})
    return {
      workers: true,
      read: async (db, {config, limits}) => {
        const declared = await readDeclared(db, sectionsOf(config))
        const {lateAfter} = limits()
        const partitions = (withDefinitions: boolean) => partitionRules(config, withDefinitions)
        const request = {table, declared, lateAfter, timeUnits: timeUnitsOf(declared), partitions}
        return {...(await examine(db, request, checks)), target: reportTarget(db)}
      },
      exitCode: (report) => (fails(report, failOn) ? ExitCode.found : ExitCode.done),
      show: async (report, show) => ({
        ...report,
        checks: await show(doctorTable, report, report.checks, async () =>
          (await import('../cli/render/doctor.js')).aroundDoctor(report, {
            all,
            failed: fails(report, failOn),
            table: table ?? null,
            groupsOf: groupFindings,
          }),
        ),
      }),
    }
  }
}

import {ReportCommand} from '../../cli/report-command.js'
import type {ShownConfig} from '../../config/shown.js'
import type {ShownSetting} from '../../config/shown-table.js'

interface ShowReport extends ShownConfig {
  kind: 'config.show'
  version: 1
  target: null
  at: string
  /** Every value of the configuration, as one list. */
  settings: ShownSetting[]
}

export default class ConfigShow extends ReportCommand<typeof ConfigShow> {
  static override summary = 'Show the configuration in effect and the database that it selects.'
  static override description =
    'Validates the file, reports all mistakes together, and prints every setting with its value and its source: a ' +
    'flag, an environment variable, the file or a default, in this order of precedence. It does not connect to a ' +
    "database: the default policies are those of QiCore's own tables, and apply only in a database that has them. " +
    'Variables are shown by name, passwords never.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --target prod --json',
  ]

  static override tables() {
    return {'': async () => (await import('../../config/shown-table.js')).configTable}
  }

  async run(): Promise<ShowReport> {
    const [
      {shownConfig},
      {configTable, settingRows},
      {shownPolicies},
      {partitionRules},
      {declaredPolicies},
      {qicore},
      config,
    ] = await Promise.all([
      import('../../config/shown.js'),
      import('../../config/shown-table.js'),
      import('../../config/shown-policies.js'),
      import('../../config/partitions.js'),
      import('../../policies/declared/declared.js'),
      import('../../qicore/definition.js'),
      this.loadConfig(),
    ])
    const {url, target, role, config: file, 'lock-timeout': lockTimeout} = this.flags
    const withDefinitions = config?.migrations !== 'own'
    const policies = shownPolicies(
      config,
      declaredPolicies(withDefinitions ? qicore : null, config),
      partitionRules(config, withDefinitions),
    )
    const shown = shownConfig(
      config,
      {url, target, role, lockTimeout, config: file, changes: false},
      process.env,
      process.cwd(),
      policies,
    )
    const at = new Date().toISOString()
    const report: ShowReport = {
      kind: 'config.show',
      version: 1,
      target: null,
      at,
      ...shown,
      settings: settingRows(shown),
    }
    const {sort, limit} = this.flags
    report.settings = await this.show(configTable, report, report.settings, async () =>
      (await import('../../cli/render/config.js')).aroundConfig(shown, sort !== undefined || limit !== undefined),
    )
    return report
  }
}
